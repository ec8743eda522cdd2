// Under which name other machines reach this one.
#pragma once

#include <string>

namespace sweep {

/// This machine's host name where it can be looked up, else the address of the first network interface that
/// is up, else 127.0.0.1. Looks names up and so may take a while where DNS is slow: for start-up only.
std::string reachable_host();

}  // namespace sweep
