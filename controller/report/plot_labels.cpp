#include "controller/report/plot_labels.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "util/text.hpp"

namespace sweep::report {

namespace {

struct Box {
  double left, bottom, right, top;
};

// Records which parts of the picture are occupied, in cells of a few pixels. A lookup therefore takes the
// same time for ten thousand points as for ten.
class OccupancyGrid {
 public:
  explicit OccupancyGrid(const LabelGeometry& geometry)
      : origin_{geometry.left, geometry.bottom, geometry.right, geometry.top},
        columns_(cells(geometry.right - geometry.left)),
        rows_(cells(geometry.top - geometry.bottom)),
        taken_(columns_ * rows_, false) {}

  bool free(const Box& box) const {
    if (box.left < origin_.left || box.bottom < origin_.bottom || box.right > origin_.right ||
        box.top > origin_.top) {
      return false;
    }
    bool found = false;
    visit(box, [&](std::size_t cell) { found = found || taken_[cell]; });
    return !found;
  }

  void take(const Box& box) {
    visit(box, [&](std::size_t cell) { taken_[cell] = true; });
  }

 private:
  static constexpr double kCell = 3;  // pixels

  static std::size_t cells(double pixels) {
    return static_cast<std::size_t>(std::max(0.0, pixels) / kCell) + 1;
  }

  static std::size_t index(double offset, std::size_t count) {
    return static_cast<std::size_t>(std::clamp(offset / kCell, 0.0, static_cast<double>(count - 1)));
  }

  template <class Visitor>
  void visit(const Box& box, Visitor visitor) const {
    const std::size_t first = index(box.left - origin_.left, columns_),
                      last = index(box.right - origin_.left, columns_);
    const std::size_t low = index(box.bottom - origin_.bottom, rows_),
                      high = index(box.top - origin_.bottom, rows_);
    for (std::size_t row = low; row <= high; ++row) {
      for (std::size_t column = first; column <= last; ++column)
        visitor(row * columns_ + column);
    }
  }

  Box origin_;
  std::size_t columns_, rows_;
  std::vector<bool> taken_;
};

Box around(double x, double y, double half_width, double half_height) {
  return {x - half_width, y - half_height, x + half_width, y + half_height};
}

void take_line(OccupancyGrid& grid, const LabelLine& line) {
  const double length = std::hypot(line.x1 - line.x0, line.y1 - line.y0);
  const int steps = static_cast<int>(std::min(length / 2, 2000.0)) + 1;
  for (int i = 0; i <= steps; ++i) {
    const double share = static_cast<double>(i) / steps;
    grid.take(around(line.x0 + share * (line.x1 - line.x0), line.y0 + share * (line.y1 - line.y0), 1, 1));
  }
}

// A possible position of a label.
struct Candidate {
  int right, up;     // direction from the mark: -1, 0 or 1
  double gap;        // distance from the mark in pixels
  bool avoid_lines;  // use the position only if no line crosses it
};

// The candidates in the order in which they are tried: those that avoid lines first, then the nearer ones,
// then above, right, left and below before the corners. The gap keeps a label out of the cells of its own
// mark.
constexpr auto kCandidates = [] {
  constexpr int kDirections[8][2] = {{0, 1}, {1, 0}, {-1, 0}, {0, -1}, {1, 1}, {-1, 1}, {1, -1}, {-1, -1}};
  std::array<Candidate, 32> out{};
  std::size_t next = 0;
  for (const bool avoid_lines : {true, false}) {
    for (const double gap : {4.0, 9.0}) {
      for (const auto& direction : kDirections)
        out[next++] = {direction[0], direction[1], gap, avoid_lines};
    }
  }
  return out;
}();

Box candidate_box(const LabelRequest& request, const Candidate& candidate, double half_width,
                  const LabelGeometry& geometry) {
  const double half_height = geometry.line_height / 2;
  return around(request.x + candidate.right * (geometry.mark_radius + half_width + candidate.gap),
                request.y + candidate.up * (geometry.mark_radius + half_height + candidate.gap), half_width,
                half_height);
}

}  // namespace

std::vector<PlacedLabel> place_labels(std::span<const LabelRequest> requests,
                                      std::span<const LabelLine> lines, const LabelGeometry& geometry) {
  OccupancyGrid taken(geometry), crossed(geometry);
  const double radius = geometry.mark_radius;
  for (const LabelRequest& request : requests)
    taken.take(around(request.x, request.y, radius, radius));
  for (const LabelLine& line : lines)
    take_line(crossed, line);
  std::vector<PlacedLabel> placed;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const double half_width =
        static_cast<double>(characters(requests[i].text)) * geometry.character_width / 2 + 2;
    for (const Candidate& candidate : kCandidates) {
      const Box box = candidate_box(requests[i], candidate, half_width, geometry);
      if (!taken.free(box) || (candidate.avoid_lines && !crossed.free(box))) continue;
      taken.take(box);
      placed.push_back({i, (box.left + box.right) / 2, (box.bottom + box.top) / 2});
      break;
    }
  }
  return placed;
}

}  // namespace sweep::report
