// SHA-256, for identities of points and files. Digests are stored, so they are the same on every machine and
// in every version.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace sweep {

/// Returns the SHA-256 of `bytes` as 64 lower-case hexadecimal digits, as `sha256sum` prints it.
std::string sha256_hex(std::string_view bytes);

/// Computes the SHA-256 of bytes that arrive in pieces.
class Sha256 {
 public:
  Sha256();
  void add(std::string_view bytes);
  /// Adds the length of `part` and then its bytes, so that two different lists of parts never have the same
  /// digest.
  void add_part(std::string_view part);
  /// Returns the digest as 64 hexadecimal digits. Call it once, at the end.
  std::string hex();

 private:
  alignas(8) std::array<std::byte, 128> state_;  // libsodium's
};

}  // namespace sweep
