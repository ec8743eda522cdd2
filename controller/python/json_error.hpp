// Says why a text is not JSON in the words of Python's json module, which recorded messages contain. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sweep::python {

/// Returns the text of json.JSONDecodeError, such as "Expecting value: line 1 column 1 (char 0)"; std::nullopt if
/// Python reads `text`. Columns count characters from 1. Nesting is limited as in read_json().
std::optional<std::string> json_error(std::string_view text);

}  // namespace sweep::python
