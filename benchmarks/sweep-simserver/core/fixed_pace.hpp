// The timeline of --fixed-latency: every sequence has its first token `ttft` after it was submitted and
// another one each `itl`, however many there are. Pure. For measuring a client: what it adds to these is its
// own.
#pragma once

#include <deque>
#include <unordered_map>

#include "benchmarks/sweep-simserver/core/timeline.hpp"

namespace sweep::sim_server {

class FixedPace final : public Timeline {
 public:
  FixedPace(Time ttft, Time itl) : ttft_(ttft), itl_(itl) {}

  Expected<void> submit(const Sequence& sequence, Time now) override;
  bool cancel(std::uint64_t id) override { return left_.erase(id) > 0; }
  std::optional<Time> next_time() const override;
  void advance(Time now, std::vector<TokenEvent>& out) override;

 private:
  struct Due {
    Time at{};
    std::uint64_t id = 0;
    std::uint32_t index = 0;
  };
  // Each in the order of time by itself, since each adds the same to times that only grow.
  std::deque<Due> first_, next_;
  std::unordered_map<std::uint64_t, std::uint32_t>
      left_;  // id -> tokens wanted; cancelled ones are not in it
  Time ttft_, itl_;
};

}  // namespace sweep::sim_server
