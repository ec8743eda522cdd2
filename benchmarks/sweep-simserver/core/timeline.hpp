// The interface that determines when each token of each request is generated. Pure: time is virtual; it is
// passed in and out and never read from a clock.
//
// Call submit() and cancel() as requests arrive and leave, and advance() at next_time() or later: a late call
// catches up, and its events carry the times at which they were due. A submitted request takes part from the
// next advance() on.
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
  std::uint64_t id = 0;             ///< unique; never reused
  std::uint32_t prompt_tokens = 0;  ///< at least 1
  std::uint32_t output_tokens = 0;  ///< at least 1
  bool prefilled = false;           ///< the KV cache of the prompt was transferred from a prefill worker
};

/// One token of one sequence has been generated.
struct TokenEvent {
  std::uint64_t id = 0;
  std::uint32_t index = 0;  ///< from 0
  bool last = false;        ///< the sequence has ended; its id is no longer known
  Time at{};
};

class Timeline {
 public:
  virtual ~Timeline() = default;
  /// Fails if the sequence could never run, with a message that says which limit it exceeds.
  virtual Expected<void> submit(const Sequence& sequence, Time now) = 0;
  /// Removes a sequence. Returns false if its id is not known (it has ended).
  virtual bool cancel(std::uint64_t id) = 0;
  /// Returns when advance() must be called next; std::nullopt if there is no work.
  virtual std::optional<Time> next_time() const = 0;
  /// Performs everything that is due at `now`, in order, and appends the generated tokens to `out`.
  virtual void advance(Time now, std::vector<TokenEvent>& out) = 0;
};

}  // namespace sweep::sim_server
