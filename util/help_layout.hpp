// The layout of every program's --help: filled paragraphs, and lists with names in one column and meanings in
// the next. Manual pages and completions are generated from this text, so its form is fixed
// (docs/man/README.md). Pure.
#pragma once

#include <string>
#include <string_view>

namespace sweep {

inline constexpr std::size_t kHelpWidth =
    79;  // characters per line; one less than 80 so that terminals do not wrap
inline constexpr std::size_t kHelpColumn = 24;  // where meanings begin

/// Returns `text` with its paragraphs filled and every line indented by `indent` blanks, with a newline at
/// the end. An empty line separates paragraphs; a line that begins with a blank is kept as it is.
std::string filled(std::string_view text, std::size_t indent = 0);

/// Returns one entry of a list: "  NAME    meaning". The meaning begins at kHelpColumn, or on the next line
/// if the name is too long. `name` includes its indentation.
std::string help_entry(std::string_view name, std::string_view meaning);

}  // namespace sweep
