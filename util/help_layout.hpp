// The look of every program's --help: filled paragraphs, names in one column and what they mean in the next.
// The manual pages and the completion are made of such text, so it has one form (docs/man/README.md). Pure.
#pragma once

#include <string>
#include <string_view>

namespace sweep {

inline constexpr std::size_t kHelpWidth = 79;   // characters in a line, so that 80 columns never wrap
inline constexpr std::size_t kHelpColumn = 24;  // where meanings begin

/// `text` with its paragraphs filled, each line behind `indent` blanks, a newline at the end. An empty line
/// parts paragraphs; a line that begins with a blank stays as it is.
std::string filled(std::string_view text, std::size_t indent = 0);

/// One entry of a list: "  NAME    meaning", the meaning filled from kHelpColumn on, and on the next line
/// when the name, which comes with its own blanks in front, is too long.
std::string help_entry(std::string_view name, std::string_view meaning);

}  // namespace sweep
