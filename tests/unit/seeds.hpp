// A seeded random generator for property tests, and the loop over seeds. To repeat one seed:
// SWEEP_SEED=n matrix_test --gtest_filter='MatrixProperty.*'. For more seeds: SWEEP_SEEDS=100000.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <functional>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace sweep {

/// Gives the same numbers on every machine (the distributions of <random> differ).
class SeededDice {
 public:
  explicit SeededDice(std::uint64_t seed) : engine_(seed) {}

  std::uint64_t bits() { return engine_(); }
  int below(int limit) { return static_cast<int>(engine_() % static_cast<std::uint64_t>(limit)); }
  int between(int low, int high) { return low + below(high - low + 1); }
  bool percent(int chance) { return below(100) < chance; }

  template <typename T>
  const T& one_of(const std::vector<T>& items) {
    return items[static_cast<std::size_t>(below(static_cast<int>(items.size())))];
  }

  template <typename T>
  void shuffle(std::vector<T>& items) {
    for (std::size_t i = items.size(); i > 1; --i)
      std::swap(items[i - 1], items[static_cast<std::size_t>(below(static_cast<int>(i)))]);
  }

  /// Returns text with code points that are hard to quote, escape or count in bytes, but without surrogates.
  std::u32string text(int max_length) {
    static const std::u32string kOdd =
        U"\"\\'/:#{}[],&*!|>%@`-?~ \t\n\r\b\f\x01\x1b\x7f\u0085\u00a0\u00e9"
        U"\u2028\u20ac\ud7ff\ue000\ufeff\uffff\U00010000\U0001f600\U0010ffff";
    static const std::u32string kWords = U"NaNInfinity-null0.1e5true";
    std::u32string out;
    for (int i = between(0, max_length); i > 0; --i) {
      const std::u32string& from = percent(40) ? kOdd : kWords;
      out += from[static_cast<std::size_t>(below(static_cast<int>(from.size())))];
    }
    return out;
  }

 private:
  std::mt19937_64 engine_;
};

inline std::string utf8(const std::u32string& text) {
  std::string out;
  const auto add = [&](std::uint32_t byte) { out += static_cast<char>(static_cast<unsigned char>(byte)); };
  for (const std::uint32_t c : text) {
    if (c < 0x80) {
      add(c);
      continue;
    }
    const int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    add((0xff00u >> (more + 1) & 0xffu) | c >> (6 * more));
    for (int i = more - 1; i >= 0; --i)
      add(0x80u | (c >> (6 * i) & 0x3fu));
  }
  return out;
}

/// Runs `check` with `count` seeds, stops at the first that fails, and reports it.
inline void for_each_seed(std::uint64_t count, const std::function<void(SeededDice&)>& check) {
  const char* one = std::getenv("SWEEP_SEED");
  const char* many = std::getenv("SWEEP_SEEDS");
  const std::uint64_t first = one != nullptr ? std::strtoull(one, nullptr, 10) : 1;
  const std::uint64_t last = one != nullptr    ? first
                             : many != nullptr ? std::strtoull(many, nullptr, 10)
                                               : count;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    SCOPED_TRACE("SWEEP_SEED=" + std::to_string(seed));
    SeededDice dice(seed);
    check(dice);
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace sweep
