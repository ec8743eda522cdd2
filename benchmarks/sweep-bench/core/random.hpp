// Random numbers with distributions that give the same values on every machine, unlike those of the standard
// library. The generator is SplitMix64. Pure.
#pragma once

#include <cmath>
#include <cstdint>

#include "util/splitmix64.hpp"

namespace sweep::client {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t bits() { return splitmix64(state_); }

  /// Uniform in [0, 1).
  double unit() { return sweep::unit(bits()); }

  /// Uniform in [least, most]; the bias is below 2^-32 for the ranges used in sweep-bench.
  std::int64_t between(std::int64_t least, std::int64_t most) {
    const auto span = static_cast<std::uint64_t>(most - least) + 1;
    return least + static_cast<std::int64_t>(bits() % span);
  }

  /// Standard normal (polar method of Marsaglia).
  double normal() {
    for (;;) {
      const double u = 2 * unit() - 1, v = 2 * unit() - 1, s = u * u + v * v;
      if (s > 0 && s < 1) return u * std::sqrt(-2 * std::log(s) / s);
    }
  }

  /// Gamma with `shape` and `scale`, both above 0: mean shape*scale, variance shape*scale^2 (Marsaglia and
  /// Tsang 2000; below shape 1 by their boost of U^(1/shape)).
  double gamma(double shape, double scale) {
    if (shape < 1) {
      const double boost = std::pow(1 - unit(), 1 / shape);
      return gamma(shape + 1, scale) * boost;
    }
    const double d = shape - 1.0 / 3, c = 1 / std::sqrt(9 * d);
    for (;;) {
      const double x = normal(), root = 1 + c * x;
      if (root <= 0) continue;
      const double v = root * root * root;
      if (std::log(1 - unit()) < 0.5 * x * x + d - d * v + d * std::log(v)) return d * v * scale;
    }
  }

 private:
  std::uint64_t state_;
};

}  // namespace sweep::client
