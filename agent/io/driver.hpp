// Runs the agent's state machine on this machine: one event loop over the connection, signals and processes.
#pragma once

#include <string>
#include <vector>

#include "agent/core/setup.hpp"
#include "agent/io/own_secret.hpp"

namespace sweep::agent {

/// What the agent knows at its start; `command` is what stands after "--".
Setup make_setup(const Access& access, const std::vector<std::string>& command);

/// Takes part in the sweep to its end and returns the exit status.
int take_part(const Access& access, Setup setup);

/// A line on standard error, with the program's name in front.
void print_line(const std::string& text);

}  // namespace sweep::agent
