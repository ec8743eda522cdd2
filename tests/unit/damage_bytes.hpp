// Bytes as a full disk, a crash of the machine or a bad one leaves them: cut short, or with a bit that is
// another.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <random>
#include <string>

namespace sweep {

/// Calls `look` with some `cuts` beginnings of `bytes`, the empty one and all but the last byte among them,
/// and with `flips` copies in which one bit is another. What it sees is the same every time.
inline void each_damage(const std::string& bytes, std::size_t cuts, std::size_t flips,
                        const std::function<void(const std::string&)>& look) {
  const std::size_t step = bytes.size() / cuts + 1;
  for (std::size_t length = 0; length < bytes.size(); length += step)
    look(bytes.substr(0, length));
  look(bytes.substr(0, bytes.size() - 1));
  std::mt19937_64 dice(1);
  std::string damaged = bytes;
  for (std::size_t i = 0; i < flips; ++i) {
    const std::size_t at = flips >= bytes.size() ? i % bytes.size() : dice() % bytes.size();
    damaged[at] = static_cast<char>(bytes[at] ^ (1 << dice() % 8));
    look(damaged);
    damaged[at] = bytes[at];
  }
}

inline std::string bytes_of(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Without a sync, which thousands of files would make slow; a new file, since some file systems flush one
/// that is written over.
inline void put_bytes(const std::string& file, const std::string& bytes, unsigned mode = 0644) {
  std::filesystem::remove(file);
  std::ofstream(file, std::ios::binary) << bytes;
  std::filesystem::permissions(file, static_cast<std::filesystem::perms>(mode));
}

}  // namespace sweep
