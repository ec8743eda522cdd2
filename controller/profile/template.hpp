// Placeholders of a point in texts of a profile: {model-prefix}, {precision}, {hw}, {runner}, {framework},
// {framework-suffix} (_trt, _atom on MI355X, or nothing), {spec-suffix} (_mtp or nothing), {scenario-dir}
// (fixed_seq_len or agentic), {exp-name}, {image}, {image-slug} (the image with / : @ # as _).
#pragma once

#include <functional>
#include <string>

#include "proto/base/point.hpp"
#include "util/error.hpp"

namespace sweep::profile {

/// Returns `text` with its placeholders replaced by the point's values. `key` is the profile's key in
/// messages. Returns an error that names an unknown placeholder.
Expected<std::string> fill_template(const std::string& text, const Point& point, const std::string& key);

/// Returns `text` with known placeholders replaced. Other text in braces is kept, because a value may be
/// JSON.
std::string fill_known(const std::string& text, const Point& point);

/// Calls `literal` for each character of `text` that belongs to no placeholder and `value` for the value of
/// each placeholder, in the order of the text. Returns an error that names an unknown placeholder.
Expected<void> walk_template(const std::string& text, const Point& point, const std::string& key,
                             const std::function<void(char)>& literal,
                             const std::function<void(const std::string&)>& value);

}  // namespace sweep::profile
