// Quoting for shells. Pure.
#pragma once

#include <string>

namespace sweep {

/// Returns `word` so that a POSIX shell reads it as one word: in single quotes if it contains special
/// characters.
std::string shell_word(const std::string& word);

}  // namespace sweep
