// The timeline of a prefill worker with --kv-transfer-time: each token is reported `transfer` after it was
// generated, because the router may pass the request to a decode worker only when the KV cache is there. The
// transfer uses no GPU time: the batch of the worker advances meanwhile. Pure.
#pragma once

#include <deque>
#include <memory>
#include <unordered_set>

#include "benchmarks/sweep-simserver/core/timeline.hpp"

namespace sweep::sim_server {

class KvTransfer final : public Timeline {
 public:
  KvTransfer(std::unique_ptr<Timeline> worker, Time transfer)
      : worker_(std::move(worker)), transfer_(transfer) {}

  Expected<void> submit(const Sequence& sequence, Time now) override;
  bool cancel(std::uint64_t id) override;
  std::optional<Time> next_time() const override;
  void advance(Time now, std::vector<TokenEvent>& out) override;

 private:
  std::unique_ptr<Timeline> worker_;
  Time transfer_;
  std::vector<TokenEvent> computed_;            // scratch of advance()
  std::deque<TokenEvent> moving_;               // in order of time; times include the transfer
  std::unordered_set<std::uint64_t> expected_;  // ids that have neither ended nor been cancelled
};

}  // namespace sweep::sim_server
