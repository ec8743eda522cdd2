// Chance that is the same on every machine: splitmix64 (Steele, Lea, Flood, 2014), which the standard
// library's distributions are not. Pure.
#pragma once

#include <cstdint>

namespace sweep::sim_server {

/// A number that looks like chance and follows from `x` alone.
inline std::uint64_t mixed(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

/// The same of two.
inline std::uint64_t mixed(std::uint64_t a, std::uint64_t b) {
  return mixed(mixed(a) ^ b);
}

/// In [0, 1).
inline double unit(std::uint64_t bits) {
  return static_cast<double>(bits >> 11) * 0x1.0p-53;
}

}  // namespace sweep::sim_server
