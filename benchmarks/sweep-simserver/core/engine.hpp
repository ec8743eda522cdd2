// A serving engine with continuous batching, as a state machine in virtual time. Pure and without chance.
//
// It goes in steps, as vLLM's scheduler does. A step has a budget of tokens. Sequences that run come first,
// in the order of their admission: one token each where they decode, a part of their prompt where they do not
// (chunked prefill). What is left of the budget admits waiting sequences, first come first served, while
// there is room for their cache and for another sequence. The step then takes as long as the cost model says,
// and at its end every sequence whose context is computed whole has one token more.
//
// Rules: cache is given in blocks of kBlock tokens and never beyond the capacity. A running sequence that
// needs a block when none is free takes it from the sequence admitted last, which goes back to the head of
// the queue and computes its context again (preemption by recomputation); so the oldest always goes on, and
// everything ends. There is no prefix cache.
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
  std::uint32_t max_model_len = 0;  ///< prompt and output together; 0: what the model can
};

/// What an engine has done, and does.
struct Load {
  std::uint64_t steps = 0;
  std::uint64_t preemptions = 0;
  std::size_t running = 0, waiting = 0;
  std::uint64_t blocks_used = 0, blocks = 0, most_blocks_used = 0;
  Time busy{};  ///< time spent in steps
};

class Engine final : public Timeline {
 public:
  /// Fails when the limits make no sense for the model.
  static Expected<Engine> make(const CostModel& cost, const Limits& limits);

  Expected<void> submit(const Sequence& sequence, Time now) override;
  bool cancel(std::uint64_t id) override;
  std::optional<Time> next_time() const override;
  void advance(Time now, std::vector<TokenEvent>& out) override;

  Load load() const;
  const CostModel& cost() const { return cost_; }
  std::uint32_t max_model_len() const { return limits_.max_model_len; }

  /// What is wrong with the state; empty when nothing is. For tests, after any call.
  std::string broken() const;

 private:
  struct Running {
    std::uint64_t id = 0;
    std::uint32_t output = 0;     // tokens wanted
    std::uint32_t generated = 0;  // tokens that are there
    std::uint32_t known = 0;      // prompt and generated
    std::uint32_t computed = 0;   // of these, in the cache
    std::uint32_t scheduled = 0;  // in the step under way
    std::uint32_t blocks = 0;
  };

  Engine(const CostModel& cost, const Limits& limits, std::uint64_t blocks);
  std::uint32_t blocks_of(std::uint32_t tokens) const;
  void begin_step(Time at);
  void end_step(std::vector<TokenEvent>& out);
  bool make_room(std::size_t index, std::uint32_t tokens);
  void preempt_last();
  bool admit(std::uint32_t& budget);
  void count(const Running& sequence, Batch& batch) const;

  CostModel cost_;
  Limits limits_;
  std::uint64_t blocks_ = 0, free_blocks_ = 0, most_used_ = 0;
  std::vector<Running> running_;  // in the order of admission
  std::deque<Running> waiting_;
  std::optional<Time> step_end_;
  Time step_begin_{}, clock_{};  // clock_: the latest moment that was handed in or reached
  std::uint64_t steps_ = 0, preemptions_ = 0;
  Time busy_{};
};

}  // namespace sweep::sim_server
