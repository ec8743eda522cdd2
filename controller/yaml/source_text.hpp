// The bytes of a configuration file, checked and made plain before the YAML parser sees them. Pure.
#pragma once

#include <string>
#include <string_view>

#include "util/error.hpp"

namespace sweep::yaml {

/// `bytes` without a byte-order mark and with every line end as \n. Fails, naming line and column, on bytes
/// that are not UTF-8 and on characters that YAML does not allow.
Expected<std::string> plain_source(std::string_view bytes);

}  // namespace sweep::yaml
