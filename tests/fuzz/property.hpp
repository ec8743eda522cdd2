// What the fuzz targets share: a property that does not hold ends the process with one line, which libFuzzer
// takes for a finding and keeps the input of.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "util/error.hpp"
#include "util/text.hpp"

namespace sweep::fuzz {

/// `what` says what should have held; `detail` is the value that it did not hold for.
inline void require(bool holds, const char* what, std::string_view detail = {}) {
  if (holds) return;
  const std::string shown = printable(clipped(detail, 2000));
  std::fprintf(stderr, "PROPERTY: %s%s%s\n", what, shown.empty() ? "" : ": ", shown.c_str());
  std::abort();
}

/// error.hpp's rule, for messages that are shown as they are.
inline void require_message(const Error& error) {
  require(!error.message.empty(), "a message says something");
  require(printable(error.message) == error.message, "a message is one line and printable", error.message);
}

}  // namespace sweep::fuzz
