// SHA-256, for identities. A digest is the same on every machine and in every version.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace sweep {

/// SHA-256 of `bytes` as 64 lower-case hexadecimal digits (what `sha256sum` prints).
std::string sha256_hex(std::string_view bytes);

/// The same of bytes that come piece by piece.
class Sha256 {
 public:
  Sha256();
  void add(std::string_view bytes);
  /// The same with its length in front: no two different lists of parts make one digest.
  void add_part(std::string_view part);
  /// To be asked once, at the end.
  std::string hex();

 private:
  alignas(8) std::array<std::byte, 128> state_;  // libsodium's
};

}  // namespace sweep
