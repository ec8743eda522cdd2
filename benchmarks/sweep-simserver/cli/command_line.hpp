// The command line of sweep-simserver.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "benchmarks/sweep-simserver/io/settings.hpp"

namespace sweep::sim_server {

/// What to do next: serve with `settings`, or exit with `status` if `settings` is std::nullopt.
struct Invocation {
  std::optional<Settings> settings;
  int status = 0;
};

/// Reads and checks the arguments. Prints --help, --version and error messages itself.
Invocation read_command_line(const std::vector<std::string>& arguments);

/// Prints "sweep-simserver: MESSAGE" to standard error, made printable.
void print_error(const std::string& message);

}  // namespace sweep::sim_server
