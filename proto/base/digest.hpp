// SHA-256, for identities. A digest is the same on every machine and in every version.
#pragma once

#include <string>
#include <string_view>

namespace sweep {

/// SHA-256 of `bytes` as 64 lower-case hexadecimal digits (what `sha256sum` prints).
std::string sha256_hex(std::string_view bytes);

}  // namespace sweep
