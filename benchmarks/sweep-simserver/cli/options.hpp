// The command line of sweep-simserver, read and checked.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "benchmarks/sweep-simserver/io/settings.hpp"

namespace sweep::sim_server {

/// What the command line asks for, or the status to exit with when that is all (help, version, wrong usage;
/// printed).
struct Invocation {
  std::optional<Settings> settings;
  int status = 0;
};
Invocation read_command_line(const std::vector<std::string>& words);

/// "sweep-simserver: MESSAGE" to standard error, printable.
void print_error(const std::string& message);

}  // namespace sweep::sim_server
