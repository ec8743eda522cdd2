// Finds the name or address under which other machines reach this one.
#pragma once

#include <string>

namespace sweep {

/// Returns this machine's host name if it can be resolved, else the address of the first network interface
/// that is up, else 127.0.0.1. Blocks while it resolves the name, so call it only at start-up.
std::string reachable_host();

/// Returns the IPv4 address of the first network interface that is up and not the loopback; empty if there is
/// none. For reachable_host() and its tests.
std::string interface_address();

}  // namespace sweep
