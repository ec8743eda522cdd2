// How --help of sweepctl's commands looks: Usage, what the command does, arguments, options, closing
// sections.
//
// A command gives CLI11 its description (paragraphs are filled) and, as its footer, the closing sections:
// "Exit status:", "Environment:", "Files:", "Examples:", their lines indented by hand. The manual pages and
// the completion are made from what comes out (docs/README.md says which form they count on).
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace sweep::cli {

/// Shows an option's option_text() as its value where it has one, else its type name; a positional's
/// option_text() as its place in the usage.
class HelpFormatter : public CLI::FormatterBase {
 public:
  std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const override;
};

}  // namespace sweep::cli
