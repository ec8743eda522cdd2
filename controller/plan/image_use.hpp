// Whether benchmarks run in the images that the points of the matrix name. Pure.
#pragma once

#include <string>

#include "controller/plan/plan.hpp"

namespace sweep {

/// Returns true if `started`, the image in which points[index] ran, is the one that the point names, or what the
/// profile makes of its name (a path with {image-slug}). `started` is without secrets; "": no container.
bool is_image_of_point(const Plan& plan, int index, const std::string& started);

/// Returns one line that says that images of the matrix are not used, because there is no container; "" if all
/// points run in a container.
std::string unused_images_note(const Plan& plan);

}  // namespace sweep
