// Places the labels of points so that no label covers another label or a mark. Labels avoid lines if
// possible. Pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace sweep::report {

// All lengths are in pixels; positions are measured from the picture's lower left corner.

/// A point and the text of its label.
struct LabelRequest {
  double x, y;
  std::string text;
};

/// A straight line that labels should avoid.
struct LabelLine {
  double x0, y0, x1, y1;
};

struct LabelGeometry {
  double left, bottom, right, top;  // the box that labels must not leave
  double mark_radius;
  double character_width, line_height;
};

struct PlacedLabel {
  std::size_t request;  // index into the requests
  double x, y;          // the centre of the text
};

/// Returns a position for each label that fits near its point. Earlier requests take precedence. A label that
/// does not fit is omitted, but no label covers its mark.
std::vector<PlacedLabel> place_labels(std::span<const LabelRequest> requests,
                                      std::span<const LabelLine> lines, const LabelGeometry& geometry);

}  // namespace sweep::report
