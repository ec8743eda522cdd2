// When each token of each request is there: the one question that the server asks, whatever answers it. Pure:
// time is virtual, handed in and handed out, and never read.
//
// Use: submit and cancel as requests come and go; call advance at next_time() (or later: it catches up, and
// events bear the time at which they were due). A request that is submitted takes part from the next advance
// on.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "util/error.hpp"

namespace sweep::sim_server {

/// Virtual time since the server's start.
using Time = std::chrono::nanoseconds;

struct Sequence {
  std::uint64_t id = 0;             ///< never used twice
  std::uint32_t prompt_tokens = 0;  ///< at least 1
  std::uint32_t output_tokens = 0;  ///< at least 1
};

/// One token of one sequence is there.
struct TokenEvent {
  std::uint64_t id = 0;
  std::uint32_t index = 0;  ///< from 0
  bool last = false;        ///< the sequence has ended and is known no more
  Time at{};
};

class Timeline {
 public:
  virtual ~Timeline() = default;
  /// Fails where the sequence could never run, with what is too large and why.
  virtual Expected<void> submit(const Sequence& sequence, Time now) = 0;
  /// The sequence is wanted no more. False when it is not known (it has ended).
  virtual bool cancel(std::uint64_t id) = 0;
  /// When advance has something to do next; nothing while there is no work.
  virtual std::optional<Time> next_time() const = 0;
  /// Does everything that is due at `now`, in order, and appends what came of it to `out`.
  virtual void advance(Time now, std::vector<TokenEvent>& out) = 0;
};

}  // namespace sweep::sim_server
