// Values spelled as Python spells them: error messages of the contract show lists and sets of strings that
// way. Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sweep::matrix {

/// repr() of a str: 'dsr1', "it's", 'a\n'. What cannot be seen, such as a no-break space, becomes \xNN,
/// \uNNNN or \UNNNNNNNN; bytes that are not UTF-8 become \xNN.
std::string python_repr(std::string_view text);

/// A list of strings: ['a', 'b'].
std::string python_list(std::span<const std::string> texts);

/// A set of what is spelled already: {'a', 'b'}, sorted (Python's order is arbitrary) and without repetition.
std::string python_set(std::vector<std::string> spelled);

}  // namespace sweep::matrix
