// Matches names against shell patterns as Python's fnmatch module does on Linux. Pure.
#pragma once

#include <string_view>

namespace sweep::matrix::inferencex {

/// Returns true if `text` matches `pattern`: * is any text, ? one character, […] and [!…] one of or none of a
/// set with ranges. A [ without a ] stands for itself. Case matters.
bool glob_matches(std::string_view pattern, std::string_view text);

/// The same with * as the only character that has a meaning.
bool star_matches(std::string_view pattern, std::string_view text);

}  // namespace sweep::matrix::inferencex
