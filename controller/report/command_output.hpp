// What a command over files prints, and its exit status.
#pragma once

#include <string>

namespace sweep::report {

struct CommandOutput {
  int status = 0;        // 0, or 1 if anything failed, even if the rest was done
  std::string out, err;  // complete lines for standard output and standard error
};

/// Returns the output of a command that did nothing because of this error.
inline CommandOutput failed(const std::string& message) {
  return {1, "", message + "\n"};
}

/// Adds the line to standard error and sets the status to 1.
inline void add_error(CommandOutput& output, const std::string& message) {
  output.status = 1;
  output.err += message + "\n";
}

/// Adds the line to standard error; the status stays.
inline void add_warning(CommandOutput& output, const std::string& message) {
  output.err += "warning: " + message + "\n";
}

}  // namespace sweep::report
