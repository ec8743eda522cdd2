// sweep-bench's command line.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "benchmarks/sweep-bench/core/options.hpp"

namespace sweep::client {

struct Invocation {
  std::optional<Setup> setup;  // nothing: there is nothing to do but to end with
  int status = 0;
};

/// Reads the arguments and checks them; --help, --version and what is wrong are printed here. The key for the
/// server is OPENAI_API_KEY of the environment.
Invocation read_command_line(const std::vector<std::string>& arguments);

/// "sweep-bench: TEXT" on standard error.
void say(const std::string& text);

}  // namespace sweep::client
