// The command line of sweep-bench.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "benchmarks/sweep-bench/core/options.hpp"

namespace sweep::client {

/// What to do next: run `setup`, or exit with `status`.
struct Invocation {
  std::optional<Setup> setup;  // std::nullopt: exit with `status`
  int status = 0;
};

/// Reads and checks the arguments. Prints --help, --version and error messages itself. Takes the API key from
/// the environment variable OPENAI_API_KEY.
Invocation read_command_line(const std::vector<std::string>& arguments);

/// Prints "sweep-bench: TEXT" to standard error.
void print_error(const std::string& text);

}  // namespace sweep::client
