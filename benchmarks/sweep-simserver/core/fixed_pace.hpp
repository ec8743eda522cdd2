// The timeline of --fixed-latency: every sequence has its first token `ttft` after submission and another one
// every `itl`, regardless of the number of sequences. Pure. For measuring a client: any additional latency is
// the client's.
#pragma once

#include <deque>
#include <unordered_map>

#include "benchmarks/sweep-simserver/core/timeline.hpp"

namespace sweep::sim_server {

class FixedPace final : public Timeline {
 public:
  FixedPace(Time ttft, Time itl) : ttft_(ttft), itl_(itl) {}

  Expected<void> submit(const Sequence& sequence, Time now) override;
  bool cancel(std::uint64_t id) override { return output_tokens_.erase(id) > 0; }
  std::optional<Time> next_time() const override;
  void advance(Time now, std::vector<TokenEvent>& out) override;

 private:
  struct Due {
    Time at{};
    std::uint64_t id = 0;
    std::uint32_t index = 0;
  };
  // Each queue is ordered by time, because a constant is added to times that never decrease.
  std::deque<Due> first_, next_;
  std::unordered_map<std::uint64_t, std::uint32_t> output_tokens_;  // by id; without cancelled sequences
  Time ttft_, itl_;
};

}  // namespace sweep::sim_server
