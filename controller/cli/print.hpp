// Output of the commands: standard output is for what was asked for, standard error for everything else.
#pragma once

#include <string>

namespace sweep::cli {

/// Writes to standard output. Returns the exit status: 1 if it cannot be written (a full disk). A closed pipe
/// is not an error.
int print_out(const std::string& text);

/// Writes "sweepctl: MESSAGE" and a newline to standard error, made printable.
void print_error(const std::string& message);

/// Writes an error whose first line is followed by a list, one line for each item. Only the first line has
/// the prefix.
void print_error_list(const std::string& lines);

/// Writes whole lines to standard error as they are.
void print_lines(const std::string& lines);

/// Like print_error(), but does not wait for a terminal or pipe that takes nothing for two seconds. For a
/// program whose end others wait for. No process may be forked afterwards without exec.
void print_last_error(const std::string& message);

/// Writes each line as an error.
void print_errors(const std::string& lines);

}  // namespace sweep::cli
