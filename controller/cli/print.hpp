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

/// What a command over files has to say (its fields out, err and status), and the status to exit with.
template <class Output>
int give(const Output& output) {
  const int printed = print_out(output.out);
  print_lines(output.err);
  return output.status != 0 ? output.status : printed;
}

}  // namespace sweep::cli
