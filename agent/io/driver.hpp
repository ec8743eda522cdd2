// Runs the agent's state machine on this machine: one event loop for the connection, signals and processes.
#pragma once

#include <string>
#include <vector>

#include "agent/core/setup.hpp"
#include "agent/io/access.hpp"

namespace sweep::agent {

/// Returns what is fixed when the agent starts. `command`: the arguments after "--".
Setup make_setup(const Access& access, const std::vector<std::string>& command);

/// Runs the agent until it ends and returns the exit status.
int run_agent(const Access& access, Setup setup);

/// Prints a line on standard error, after the program's name. Never waits (util/os/queued_writer.hpp).
void print_line(const std::string& text);

/// Waits until the lines have been written, but not for a pipe that takes nothing for two seconds. For the
/// end of the program.
void flush_lines();

}  // namespace sweep::agent
