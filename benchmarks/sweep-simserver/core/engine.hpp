// A serving engine with continuous batching, as a state machine in virtual time. Pure and deterministic.
//
// The engine runs in steps, like vLLM's scheduler. A step has a budget of tokens. Running sequences come
// first, in order of admission: a decoding sequence gets one token, another one computes a part of its prompt
// (chunked prefill). The rest of the budget admits waiting sequences, first come first served, as long as
// there is memory for their cache and the limit of sequences permits it. The step then takes as long as the
// cost model says. At its end, each sequence whose context has been computed completely gets one more token.
//
// The cache is allocated in blocks of kBlock tokens and never exceeds the capacity. If a running sequence
// needs a block and none is free, the most recently admitted sequence loses its blocks, returns to the head
// of the queue and computes its context again later (preemption by recomputation). The oldest sequence
// therefore always advances, and every sequence finishes. There is no prefix cache.
//
// The prompt of a sequence that is `prefilled` is in the cache when the sequence is admitted, except for its last
// token, as in vLLM: the first step computes that token and generates the first one. If such a sequence is
// preempted, its whole context is computed again here.
#pragma once

#include <deque>
#include <string>

#include "benchmarks/sweep-simserver/core/cost_model.hpp"
#include "benchmarks/sweep-simserver/core/timeline.hpp"

namespace sweep::sim_server {

inline constexpr std::uint32_t kBlock = 16;  // tokens

struct Limits {
  std::uint32_t max_num_seqs = 1024;
  std::uint32_t max_num_batched_tokens = 8192;
  std::uint32_t max_model_len = 0;  ///< prompt and output together; 0: the model's maximum
};

/// Counters and current state of an engine.
struct Load {
  std::uint64_t steps = 0;
  std::uint64_t preemptions = 0;
  std::size_t running = 0, waiting = 0;
  std::uint64_t blocks_used = 0, blocks = 0, peak_blocks_used = 0;
  Time busy{};  ///< total time spent in steps
};

class Engine final : public Timeline {
 public:
  /// Fails if the limits are impossible for the model.
  static Expected<Engine> make(const CostModel& cost, const Limits& limits);

  Expected<void> submit(const Sequence& sequence, Time now) override;
  bool cancel(std::uint64_t id) override;
  std::optional<Time> next_time() const override;
  void advance(Time now, std::vector<TokenEvent>& out) override;

  Load load() const;
  const CostModel& cost() const { return cost_; }
  std::uint32_t max_model_len() const { return limits_.max_model_len; }

  /// Returns a description of a violated invariant; empty if there is none. For tests, after any call.
  std::string check_invariants() const;

 private:
  struct SequenceState {
    std::uint64_t id = 0;
    std::uint32_t output = 0;     // number of output tokens requested
    std::uint32_t generated = 0;  // number of output tokens generated
    std::uint32_t known = 0;      // number of tokens in the prompt and generated
    std::uint32_t computed = 0;   // number of these that are in the cache
    std::uint32_t scheduled = 0;  // number of these that the current step computes
    std::uint32_t blocks = 0;
    std::uint32_t received = 0;  // number of these that a prefill worker computed; all but the last one
  };

  Engine(const CostModel& cost, const Limits& limits, std::uint64_t blocks);
  std::uint32_t blocks_needed(std::uint32_t tokens) const;
  void begin_step(Time at);
  void end_step(std::vector<TokenEvent>& out);
  bool make_room(std::size_t index, std::uint32_t tokens);
  void preempt_last();
  bool admit_next(std::uint32_t& budget);
  void add_to_batch(const SequenceState& sequence, Batch& batch) const;

  CostModel cost_;
  Limits limits_;
  std::uint64_t blocks_ = 0, free_blocks_ = 0, peak_used_ = 0;
  std::vector<SequenceState> running_;  // in order of admission
  std::deque<SequenceState> waiting_;
  std::optional<Time> step_end_;
  Time step_begin_{}, clock_{};  // clock_: the latest time passed in or reached
  std::uint64_t steps_ = 0, preemptions_ = 0;
  Time busy_{};
};

}  // namespace sweep::sim_server
