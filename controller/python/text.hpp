// Formats strings, lists and sets as Python's repr() does. The contract's error messages contain them. Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sweep::python {

/// Returns repr() of a str: 'dsr1', "it's", 'a\n'. Characters that Python does not print, such as a no-break
/// space, become \xNN, \uNNNN or \UNNNNNNNN. Bytes that are not UTF-8 become \xNN.
std::string repr(std::string_view text);

/// Returns repr() of a list of str: ['a', 'b'].
std::string list(std::span<const std::string> texts);

/// Returns repr() of a set: {'a', 'b'}. `elements` are already formatted; they are sorted, because Python's
/// order is arbitrary, and duplicates are removed.
std::string set(std::vector<std::string> elements);

}  // namespace sweep::python
