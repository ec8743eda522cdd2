// Words of a command line. Pure.
#pragma once

#include <string>

namespace sweep {

/// `word` as a shell reads it back: in single quotes where it must be.
std::string shell_word(const std::string& word);

}  // namespace sweep
