// Bytes as a full disk, a crash or bad hardware leaves them: truncated, or with a flipped bit.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <random>
#include <string>

namespace sweep {

/// Calls `test` with about `cuts` prefixes of `bytes`, including the empty one and the one without the last
/// byte, and with `flips` copies that have one flipped bit. Deterministic.
inline void each_damage(const std::string& bytes, std::size_t cuts, std::size_t flips,
                        const std::function<void(const std::string&)>& test) {
  const std::size_t step = bytes.size() / cuts + 1;
  for (std::size_t length = 0; length < bytes.size(); length += step)
    test(bytes.substr(0, length));
  test(bytes.substr(0, bytes.size() - 1));
  std::mt19937_64 random(1);
  std::string damaged = bytes;
  for (std::size_t i = 0; i < flips; ++i) {
    const std::size_t at = flips >= bytes.size() ? i % bytes.size() : random() % bytes.size();
    damaged[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
    test(damaged);
    damaged[at] = bytes[at];
  }
}

inline std::string bytes_of(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Writes a file without a sync, which would be slow for thousands of files. The file is a new one, because
/// some file systems flush a file that is overwritten.
inline void put_bytes(const std::string& file, const std::string& bytes, unsigned mode = 0644) {
  std::filesystem::remove(file);
  std::ofstream(file, std::ios::binary) << bytes;
  std::filesystem::permissions(file, static_cast<std::filesystem::perms>(mode));
}

}  // namespace sweep
