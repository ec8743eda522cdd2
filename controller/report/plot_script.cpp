#include "controller/report/plot_script.hpp"

#include <algorithm>
#include <cmath>

#include "controller/python/number.hpp"
#include "controller/report/plot_axis.hpp"
#include "controller/report/plot_labels.hpp"
#include "util/text.hpp"

namespace sweep::report {

namespace {

constexpr double kWidth = 1600, kHeight = 1000;                    // pixels
constexpr double kLeft = 115, kBottom = 95, kTop = kHeight - 115;  // of the plot's box
constexpr std::size_t kLegendCharacters = 34, kLabelCharacters = 24, kValueCharacters = 6;

std::string number(double value) {
  return python::repr(value);
}

// Returns a position in the picture as gnuplot's screen coordinates.
std::string at_pixel(double x, double y) {
  return "screen " + number(x / kWidth) + ", screen " + number(y / kHeight);
}

// The list of series to the right of the plot.
struct Legend {
  bool small = false;  // many series: small letters, if necessary in several columns
  double width = 0;    // pixels
};

struct Layout {
  Axis x, y;
  Legend legend;
  double right = 0;  // the right edge of the plot's box in pixels; the legend is to the right of it
  double mark_size = 1.6, mark_radius = 7;  // gnuplot's pointsize; pixels
};

constexpr std::size_t kReadableRows = 34;  // rows of the legend with normal letters
constexpr std::size_t kLegendRows = 52;    // rows of a column of the legend with small letters

Legend make_legend(std::size_t entries, std::size_t widest) {
  const bool small = entries > kReadableRows;
  const std::size_t columns = (entries + kLegendRows - 1) / kLegendRows;
  const double letter_width = small ? 7.0 : 9.6;  // pixels, an average that includes capitals
  const double column = 45 + letter_width * static_cast<double>(widest);
  // The plot keeps at least a third of the picture.
  return {small, std::min(column * static_cast<double>(std::max<std::size_t>(columns, 1)), kWidth * 2 / 3)};
}

std::size_t drawn_points(const Family& family, Metric metric) {
  std::size_t out = 0;
  for (const Series& series : family.series)
    out += series.points[metric].size();
  return out;
}

Layout make_layout(const Family& family, Metric metric) {
  std::vector<double> xs, ys;
  std::size_t widest = characters("Hardware + Framework");
  for (const Series& series : family.series) {
    widest = std::max(widest, std::min(characters(series.label), kLegendCharacters));
    for (const PlotPoint& point : series.points[metric]) {
      xs.push_back(point.x);
      ys.push_back(point.y);
      if (point.x_range) xs.insert(xs.end(), {point.x_range->least, point.x_range->greatest});
      if (point.y_range) ys.insert(ys.end(), {point.y_range->least, point.y_range->greatest});
    }
  }
  const auto entries = static_cast<std::size_t>(
      std::count_if(family.series.begin(), family.series.end(),
                    [&](const Series& series) { return !series.points[metric].empty(); }));
  Layout layout{make_axis(xs), make_axis(ys), {}};
  layout.legend = make_legend(entries, widest);
  layout.right = kWidth - 50 - layout.legend.width;
  const std::size_t marks = drawn_points(family, metric);
  if (marks > 300) {
    layout.mark_size = 0.8, layout.mark_radius = 4;
  } else if (marks > 60) {
    layout.mark_size = 1.2, layout.mark_radius = 5.5;
  }
  return layout;
}

std::string axis_lines(const char* name, const Axis& axis, const char* title) {
  std::string out;
  if (axis.logarithmic) out += "set logscale " + std::string(name) + " 10\n";
  out += "set " + std::string(name) + "range [" + number(axis.low) + ":" + number(axis.high) + "]\n";
  out += "set " + std::string(name) + "tics (";
  for (std::size_t i = 0; i < axis.tics.size(); ++i) {
    out += (i > 0 ? ", " : "") + quoted(axis.tics[i].label, 20) + " " + number(axis.tics[i].at);
  }
  out += ") font 'Sans,13'\n";
  return out + "set " + name + "label " + quoted(title, 80) + " font 'Sans,15'\n";
}

std::string terminal_lines(const std::string& png) {
  return "set encoding utf8\n"
         "if (strstrt(GPVAL_TERMINALS, 'pngcairo') > 0) {\n"
         "  set terminal pngcairo size 1600,1000 noenhanced font 'Sans,13' linewidth 1.5 background '#ffffff'\n"
         "} else {\n"
         "  set terminal png truecolor size 1600,1000 noenhanced font 'Sans,13' background '#ffffff'\n"
         "}\n"
         "set output '" +
         png + "'\n";
}

struct Drawing {
  std::size_t points = 0, hollow = 0, repeated = 0, lines = 0;  // how many were drawn, for the subtitle
  std::string blocks;                                           // the data blocks
  std::vector<std::string> below, above;  // elements of the plot command, in drawing order
};

std::string heading(const Family& family, const Drawing& drawing, std::size_t unlabelled) {
  std::string title = family.name + " - All Frameworks";
  if (!family.stand_ins.empty()) {
    title += family.all_stand_in ? " - stand-in results, not measured on this hardware"
                                 : " - some stand-in results, not measured on this hardware";
  }
  std::string subtitle = family.exp_name + " · " + counted(drawing.points, "point");
  if (drawing.lines > 0)
    subtitle += " · line: Pareto frontier per hardware and framework (TPn cm: TP n, concurrency m)";
  if (drawing.repeated > 0) subtitle += " · bars: range of repeats";
  if (drawing.hollow > 0) subtitle += " · hollow: not valid";
  if (unlabelled > 0) subtitle += " · " + counted(unlabelled, "label") + " hidden";
  std::string out = "set label " + quoted(title, 110) + " at " + at_pixel(kLeft, kHeight - 38) +
                    " left font 'Sans:Bold,22' textcolor rgb '#222222'\n";
  out += "set label " + quoted(subtitle, 170) + " at " + at_pixel(kLeft, kHeight - 70) +
         " left font 'Sans,13' textcolor rgb '#666666'\n";
  if (!family.stand_ins.empty()) {
    const std::vector<std::string> names(family.stand_ins.begin(), family.stand_ins.end());
    out += "set label " + quoted("Stand-in: " + join(names, ", "), 120) + " at " +
           at_pixel(kLeft, kHeight - 95) + " left font 'Sans:Bold,13' textcolor rgb '#b03000'\n";
  }
  return out;
}

std::string frame_lines(const Layout& layout, Metric metric) {
  std::string out = "set lmargin at screen " + number(kLeft / kWidth) + "\nset rmargin at screen " +
                    number(layout.right / kWidth) + "\nset bmargin at screen " + number(kBottom / kHeight) +
                    "\nset tmargin at screen " + number(kTop / kHeight) + "\n";
  out +=
      "set border 3 linecolor rgb '#888888'\n"
      "set tics nomirror out textcolor rgb '#444444'\n"
      "set grid back linecolor rgb '#d4d4d4' linewidth 0.8 dashtype 1\n";
  out += axis_lines("x", layout.x,
                    metric == Metric::MedianE2el ? "End-to-end Latency (s)" : "Interactivity (tok/s/user)");
  out += axis_lines("y", layout.y, "Throughput per GPU (tok/s)");
  const char* font = layout.legend.small ? "'Sans,9'" : "'Sans,13'";
  return out + "set key at " + at_pixel(layout.right + 25, kTop) +
         " left top Left reverse vertical maxrows " + std::to_string(kLegendRows) +
         " samplen 1 spacing 1.15 font " + font + " title 'Hardware + Framework' left\n";
}

std::string data_block(const std::string& name, const std::vector<PlotPoint>& points) {
  std::string out = name + " << EOD\n";
  for (const PlotPoint& point : points)
    out += number(point.x) + " " + number(point.y) + "\n";
  return out + "EOD\n";
}

// Returns the series' label. A long label is shortened in the hardware's name, because framework and
// precision distinguish the series.
std::string legend_text(const Series& series) {
  if (characters(series.label) <= kLegendCharacters || series.hw.size() > series.label.size())
    return series.label;
  constexpr std::size_t kMinHardwareCharacters = 8;
  const std::string tail = series.label.substr(series.hw.size());
  const std::size_t taken = std::min(kLegendCharacters - kMinHardwareCharacters, characters(tail) + 1);
  return clipped(series.label.substr(0, series.hw.size()), kLegendCharacters - taken) + "…" + tail;
}

// Draws the valid points of a series, or its invalid ones with hollow marks.
void add_points(Drawing& drawing, const std::vector<PlotPoint>& points, const std::string& title, int filled,
                bool hollow, double size, const std::string& colour) {
  if (points.empty()) return;
  const std::string dots = "$points" + std::to_string(drawing.above.size());
  drawing.blocks += data_block(dots, points);
  // In gnuplot the number of a hollow mark is one less than that of the filled mark. A white rim separates
  // marks that touch.
  const std::string full = " with points pointtype " + std::to_string(filled) + " pointsize ";
  const std::string mark =
      hollow ? " with points pointtype " + std::to_string(filled - 1) + " pointsize " : full;
  drawing.above.push_back(dots + " using 1:2" + full + number(size * 1.3) +
                          " linecolor rgb '#ffffff' notitle, " + dots + " using 1:2" + mark + number(size) +
                          colour +
                          (title.empty() ? " notitle" : " title " + quoted(title, kLegendCharacters)));
}

// The range of a point's repeats in one direction.
struct Bar {
  double x, y, to_x, to_y;
};

// Returns a bar for each direction in which the repeats differ.
std::vector<Bar> bars_of(const PlotPoint& point) {
  std::vector<Bar> out;
  if (point.x_range && point.x_range->least < point.x_range->greatest)
    out.push_back({point.x_range->least, point.y, point.x_range->greatest, point.y});
  if (point.y_range && point.y_range->least < point.y_range->greatest)
    out.push_back({point.x, point.y_range->least, point.x, point.y_range->greatest});
  return out;
}

void add_bars(Drawing& drawing, const std::vector<PlotPoint>& points, const std::string& colour) {
  std::string lines;
  for (const PlotPoint& point : points) {
    if (point.x_range && point.y_range) ++drawing.repeated;
    for (const Bar& bar : bars_of(point)) {
      lines += number(bar.x) + " " + number(bar.y) + " " + number(bar.to_x - bar.x) + " " +
               number(bar.to_y - bar.y) + "\n";
    }
  }
  if (lines.empty()) return;
  const std::string name = "$bars" + std::to_string(drawing.below.size());
  drawing.blocks += name + " << EOD\n" + lines + "EOD\n";
  drawing.below.push_back(name + " using 1:2:3:4 with vectors nohead linewidth 1.2" + colour + " notitle");
}

void add_series(Drawing& drawing, const Series& series, Metric metric, const PlotStyles& styles,
                double size) {
  const auto& points = series.points[metric];
  if (points.empty()) return;
  drawing.points += points.size();
  std::vector<PlotPoint> valid, hollow;
  for (const PlotPoint& point : points)
    (point.valid ? valid : hollow).push_back(point);
  drawing.hollow += hollow.size();
  const std::string colour = " linecolor rgb '" + styles.colour(series) + "'";
  const std::string title = legend_text(series);
  add_bars(drawing, points, colour);
  add_points(drawing, valid, title, styles.mark(series), false, size, colour);
  add_points(drawing, hollow, valid.empty() ? title : "", styles.mark(series), true, size, colour);
}

void add_frontier(Drawing& drawing, const FrontierLine& line, const Series& series,
                  const PlotStyles& styles) {
  if (line.points.size() < 2) return;
  ++drawing.lines;
  const std::string name = "$line" + std::to_string(drawing.below.size());
  drawing.blocks += data_block(name, line.points);
  drawing.below.push_back(name + " using 1:2 with lines linewidth 1.4 dashtype " +
                          std::to_string(series.framework_rank % 4 + 1) + " linecolor rgb '" +
                          styles.colour(series) + "' notitle");
}

// A label to place and its colour.
struct ColouredRequest {
  LabelRequest request;
  std::string colour;
};

struct LabelInput {
  std::vector<ColouredRequest> frontier, others;  // labels on the frontier matter most and are placed first
  std::vector<LabelLine> lines;
};

// A position in the picture in pixels.
struct Position {
  double x, y;
};

Position position_at(double x, double y, const Layout& layout) {
  return {kLeft + layout.x.share(x) * (layout.right - kLeft), kBottom + layout.y.share(y) * (kTop - kBottom)};
}

Position position_of(const PlotPoint& point, const Layout& layout) {
  return position_at(point.x, point.y, layout);
}

// Returns the TP, and for points on the frontier also the concurrency.
std::string label_text(const PlotPoint& point) {
  const auto brief = [](const std::string& text) { return characters(text) > kValueCharacters ? "…" : text; };
  const std::string tp = "TP" + brief(point.tp);
  return point.on_frontier ? tp + " c" + brief(point.conc) : tp;
}

LabelInput label_input(const Family& family, Metric metric, const PlotStyles& styles, const Layout& layout) {
  LabelInput input;
  for (const Series& series : family.series) {
    for (const PlotPoint& point : series.points[metric]) {
      const Position at = position_of(point, layout);
      (point.on_frontier ? input.frontier : input.others)
          .push_back({{at.x, at.y, label_text(point)}, styles.text_colour(series)});
      for (const Bar& bar : bars_of(point)) {
        const Position from = position_at(bar.x, bar.y, layout), to = position_at(bar.to_x, bar.to_y, layout);
        input.lines.push_back({from.x, from.y, to.x, to.y});
      }
    }
  }
  for (const FrontierLine& line : family.frontiers[metric]) {
    for (std::size_t i = 1; i < line.points.size(); ++i) {
      const Position from = position_of(line.points[i - 1], layout), to = position_of(line.points[i], layout);
      input.lines.push_back({from.x, from.y, to.x, to.y});
    }
  }
  return input;
}

struct Labels {
  std::string lines;       // gnuplot commands
  std::size_t hidden = 0;  // labels that did not fit
};

Labels label_lines(const Family& family, Metric metric, const PlotStyles& styles, const Layout& layout) {
  LabelInput input = label_input(family, metric, styles, layout);
  std::vector<ColouredRequest> all = std::move(input.frontier);
  all.insert(all.end(), input.others.begin(), input.others.end());
  std::vector<LabelRequest> requests;
  for (const ColouredRequest& label : all)
    requests.push_back(label.request);
  const LabelGeometry geometry{kLeft + 3, kBottom + 3, layout.right + 10, kTop + 10, layout.mark_radius,
                               8.2,       13};
  const auto placed = place_labels(requests, input.lines, geometry);
  Labels out{"", requests.size() - placed.size()};
  for (const PlacedLabel& label : placed) {
    out.lines += "set label " + quoted(requests[label.request].text, kLabelCharacters) + " at " +
                 at_pixel(label.x, label.y) + " center front font 'Sans,10' textcolor rgb '" +
                 all[label.request].colour + "'\n";
  }
  return out;
}

}  // namespace

std::string quoted(std::string_view text, std::size_t max_characters) {
  std::string out = "'";
  std::size_t count = 0;
  for (const char c : printable(text)) {
    if ((c & 0xc0) != 0x80 && ++count > max_characters) return out + "…'";
    if (c == '\'' || c == '`') {
      out += "’";
    } else {
      out += c;
    }
  }
  return out + "'";
}

std::string plot_script(const Family& family, Metric metric, const PlotStyles& styles,
                        const std::string& png) {
  const Layout layout = make_layout(family, metric);
  const Labels labels = label_lines(family, metric, styles, layout);
  Drawing drawing;
  for (const Series& series : family.series)
    add_series(drawing, series, metric, styles, layout.mark_size);
  for (const FrontierLine& line : family.frontiers[metric])
    add_frontier(drawing, line, family.series[line.series], styles);
  std::vector<std::string> elements = drawing.below;
  elements.insert(elements.end(), drawing.above.begin(), drawing.above.end());
  if (elements.empty()) elements.push_back("NaN notitle");
  return terminal_lines(png) + frame_lines(layout, metric) + heading(family, drawing, labels.hidden) +
         labels.lines + drawing.blocks + "plot " + join(elements, ", \\\n     ") + "\nset output\n";
}

}  // namespace sweep::report
