// Lines on standard error.
#pragma once

#include <cstdio>
#include <string>

#include "util/text.hpp"

namespace sweep::sim_server {

/// Prints "sweep-simserver: TEXT" to standard error.
inline void log_event(const std::string& text) {
  std::fprintf(stderr, "sweep-simserver: %s\n", printable(text).c_str());
}

}  // namespace sweep::sim_server
