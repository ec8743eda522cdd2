// Where the points' labels go so that none lies on another one or on a mark, and on a line only where there
// is no other place. Pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace sweep::report {

/// A point in pixels from the picture's lower left corner, and what is to stand beside it.
struct LabelRequest {
  double x, y;
  std::string text;
};

/// A straight line in the picture, in pixels.
struct LabelLine {
  double x0, y0, x1, y1;
};

/// The size in pixels of what is placed, and the box that nothing may leave.
struct LabelGeometry {
  double left, bottom, right, top;  // the box
  double mark_radius;
  double character_width, line_height;
};

struct PlacedLabel {
  std::size_t request;  // its index
  double x, y;          // the text's middle, pixels
};

/// A place near its point for each label, tried in the order given; those for which there is none are left
/// out. Every mark keeps its place free, also those without a label.
std::vector<PlacedLabel> place_labels(std::span<const LabelRequest> requests,
                                      std::span<const LabelLine> lines, const LabelGeometry& geometry);

}  // namespace sweep::report
