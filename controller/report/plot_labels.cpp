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

// What is taken, in cells of a few pixels: asking is then as cheap with ten thousand points as with ten.
class Ground {
 public:
  explicit Ground(const LabelGeometry& geometry)
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
  static constexpr double kCell = 3;

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

void take_line(Ground& ground, const LabelLine& line) {
  const double length = std::hypot(line.x1 - line.x0, line.y1 - line.y0);
  const int steps = static_cast<int>(std::min(length / 2, 2000.0)) + 1;
  for (int i = 0; i <= steps; ++i) {
    const double share = static_cast<double>(i) / steps;
    ground.take(around(line.x0 + share * (line.x1 - line.x0), line.y0 + share * (line.y1 - line.y0), 1, 1));
  }
}

// Where a label may stand: a direction from its mark, and the gap between the two in pixels.
struct Attempt {
  int right, up;
  double gap;
  bool off_lines;
};

// Off the lines before on them, near before far; above, right, left and below before the corners. The gap
// keeps a label off the cell of its own mark.
constexpr auto kAttempts = [] {
  constexpr int kDirections[8][2] = {{0, 1}, {1, 0}, {-1, 0}, {0, -1}, {1, 1}, {-1, 1}, {1, -1}, {-1, -1}};
  std::array<Attempt, 32> out{};
  std::size_t next = 0;
  for (const bool off_lines : {true, false}) {
    for (const double gap : {4.0, 9.0}) {
      for (const auto& direction : kDirections)
        out[next++] = {direction[0], direction[1], gap, off_lines};
    }
  }
  return out;
}();

Box attempt_box(const LabelRequest& request, const Attempt& attempt, double half_width,
                const LabelGeometry& geometry) {
  const double half_height = geometry.line_height / 2;
  return around(request.x + attempt.right * (geometry.mark_radius + half_width + attempt.gap),
                request.y + attempt.up * (geometry.mark_radius + half_height + attempt.gap), half_width,
                half_height);
}

}  // namespace

std::vector<PlacedLabel> place_labels(std::span<const LabelRequest> requests,
                                      std::span<const LabelLine> lines, const LabelGeometry& geometry) {
  Ground taken(geometry), crossed(geometry);
  const double radius = geometry.mark_radius;
  for (const LabelRequest& request : requests)
    taken.take(around(request.x, request.y, radius, radius));
  for (const LabelLine& line : lines)
    take_line(crossed, line);
  std::vector<PlacedLabel> placed;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const double half_width =
        static_cast<double>(characters(requests[i].text)) * geometry.character_width / 2 + 2;
    for (const Attempt& attempt : kAttempts) {
      const Box box = attempt_box(requests[i], attempt, half_width, geometry);
      if (!taken.free(box) || (attempt.off_lines && !crossed.free(box))) continue;
      taken.take(box);
      placed.push_back({i, (box.left + box.right) / 2, (box.bottom + box.top) / 2});
      break;
    }
  }
  return placed;
}

}  // namespace sweep::report
