// What commands print. Standard output is for what was asked for, standard error for the rest.
#pragma once

#include <string>

namespace sweep::cli {

/// To standard output. Status 1 is returned where it cannot be written (a full disk; a closed pipe is no
/// error).
int print_out(const std::string& text);

/// "sweepctl: MESSAGE" to standard error, made printable, with a newline.
void print_error(const std::string& message);

/// Whole lines to standard error as they are.
void print_lines(const std::string& lines);

/// Each line as an error.
void print_errors(const std::string& lines);

}  // namespace sweep::cli
