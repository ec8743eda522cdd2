// Random numbers and the event queue of a simulated sweep. Both depend on its seed only.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "util/splitmix64.hpp"
#include "util/time.hpp"

namespace sweep::sim {

/// A seeded generator with the same numbers on every machine (the distributions of <random> differ).
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  /// Returns 0 to limit - 1.
  int below(int limit) { return static_cast<int>(next() % static_cast<std::uint64_t>(limit)); }
  int between(int low, int high) { return low + below(high - low + 1); }
  bool percent(int chance) { return chance > 0 && below(100) < chance; }
  bool per_mille(int chance) { return chance > 0 && below(1000) < chance; }
  Millis time(Millis low, Millis high) {
    return low + Millis(next() % static_cast<std::uint64_t>((high - low).count() + 1));
  }
  /// Returns a time up to `usual` with 95 %, or else up to `longest`.
  Millis delay(Millis usual, Millis longest) {
    return percent(95) ? time(Millis(0), usual) : time(Millis(0), longest);
  }

 private:
  std::uint64_t next() { return splitmix64(state_); }
  std::uint64_t state_;
};

/// A queue of tasks by time. Tasks for the same time are run in the order in which they were added.
class Agenda {
 public:
  using Task = std::function<void()>;

  void at(Instant when, Task what) {
    items_.push_back({when, count_++, std::move(what)});
    std::push_heap(items_.begin(), items_.end(), later);
  }
  bool empty() const { return items_.empty(); }
  Instant next() const { return items_.front().when; }
  Task take() {
    std::pop_heap(items_.begin(), items_.end(), later);
    Task what = std::move(items_.back().what);
    items_.pop_back();
    return what;
  }

 private:
  struct Item {
    Instant when;
    std::uint64_t order;
    Task what;
  };
  static bool later(const Item& a, const Item& b) {
    return a.when != b.when ? a.when > b.when : a.order > b.order;
  }
  std::vector<Item> items_;  // a heap with the earliest task at the front
  std::uint64_t count_ = 0;
};

}  // namespace sweep::sim
