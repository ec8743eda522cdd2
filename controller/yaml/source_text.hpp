// Checks and normalises the bytes of a configuration file before they are parsed as YAML. Pure.
#pragma once

#include <string>
#include <string_view>

#include "util/error.hpp"

namespace sweep::yaml {

/// Returns `bytes` without a byte-order mark and with CR and CRLF replaced by LF. Fails if `bytes` is not
/// UTF-8 or contains a character that YAML does not allow; the message starts with the line and column (in
/// bytes).
Expected<std::string> plain_source(std::string_view bytes);

}  // namespace sweep::yaml
