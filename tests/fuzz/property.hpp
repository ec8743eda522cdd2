// Parts that the fuzz targets share. A violated property ends the process with a one-line message; libFuzzer
// treats that as a finding and keeps the input.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "util/error.hpp"
#include "util/text.hpp"

namespace sweep::fuzz {

/// `what` is the property; `detail` is the value that violates it.
inline void require(bool holds, const char* what, std::string_view detail = {}) {
  if (holds) return;
  const std::string shown = printable(clipped(detail, 2000));
  std::fprintf(stderr, "PROPERTY: %s%s%s\n", what, shown.empty() ? "" : ": ", shown.c_str());
  std::abort();
}

/// Checks the rule of error.hpp for messages that are shown unchanged.
inline void require_message(const Error& error) {
  require(!error.message.empty(), "a message is not empty");
  require(printable(error.message) == error.message, "a message is one line and printable", error.message);
}

}  // namespace sweep::fuzz
