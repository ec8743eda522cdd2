// SplitMix64 (Steele, Lea, Flood 2014): pseudo-random numbers that are the same on every machine for one seed. The
// engines of <random> are portable too, but its distributions are not. Pure.
#pragma once

#include <cstdint>

namespace sweep {

/// Advances `state` and returns the next number of its sequence, uniform over all 64-bit values.
inline std::uint64_t splitmix64(std::uint64_t& state) {
  std::uint64_t z = (state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

/// Returns a hash of `x`: the first number of the sequence that starts at `x`.
inline std::uint64_t mixed(std::uint64_t x) {
  return splitmix64(x);
}

/// Returns a hash of the pair; the order matters.
inline std::uint64_t mixed(std::uint64_t a, std::uint64_t b) {
  return mixed(mixed(a) ^ b);
}

/// Returns 64 random bits as a number in [0, 1), with 53 significant bits.
inline double unit(std::uint64_t bits) {
  return static_cast<double>(bits >> 11) * 0x1.0p-53;
}

}  // namespace sweep
