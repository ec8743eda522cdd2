#include "benchmarks/sweep-simserver/core/engine.hpp"

#include <algorithm>
#include <cmath>

namespace sweep::sim_server {

Engine::Engine(const CostModel& cost, const Limits& limits, std::uint64_t blocks)
    : cost_(cost), limits_(limits), blocks_(blocks), free_blocks_(blocks) {}

Expected<Engine> Engine::make(const CostModel& cost, const Limits& limits) {
  const std::uint32_t maximum = cost.setup().architecture->max_context;
  Limits used = limits;
  if (used.max_model_len == 0) used.max_model_len = maximum;
  if (used.max_model_len > maximum)
    return fail("--max-model-len " + std::to_string(used.max_model_len) + " exceeds the maximum of " +
                std::string(cost.setup().architecture->name) + "; give at most " + std::to_string(maximum));
  if (used.max_num_seqs < 1) return fail("--max-num-seqs must be at least 1");
  if (used.max_num_batched_tokens < 1) return fail("--max-num-batched-tokens must be at least 1");
  const auto blocks = static_cast<std::uint64_t>(cost.kv_capacity_tokens() / kBlock);
  if (blocks < 1) return fail("no memory is left for a KV cache; give a larger --tp or another --precision");
  return Engine(cost, used, blocks);
}

Expected<void> Engine::submit(const Sequence& sequence, Time now) {
  const std::uint64_t context = std::uint64_t{sequence.prompt_tokens} + sequence.output_tokens;
  if (context > limits_.max_model_len)
    return fail("this model's maximum context length is " + std::to_string(limits_.max_model_len) +
                " tokens; you requested " + std::to_string(context) + " tokens (" +
                std::to_string(sequence.prompt_tokens) + " in the prompt, " +
                std::to_string(sequence.output_tokens) + " in the completion)");
  if (blocks_needed(static_cast<std::uint32_t>(context)) > blocks_)
    return fail("the KV cache holds only " + std::to_string(blocks_ * kBlock) + " tokens; you requested " +
                std::to_string(context));
  clock_ = std::max(clock_, now);
  SequenceState entry;
  entry.id = sequence.id;
  entry.output = sequence.output_tokens;
  entry.known = sequence.prompt_tokens;
  if (sequence.prefilled) entry.received = sequence.prompt_tokens - 1;
  waiting_.push_back(entry);
  return {};
}

bool Engine::cancel(std::uint64_t id) {
  const auto is_it = [id](const SequenceState& one) { return one.id == id; };
  if (const auto at = std::find_if(running_.begin(), running_.end(), is_it); at != running_.end()) {
    free_blocks_ += at->blocks;
    running_.erase(at);
    return true;
  }
  if (const auto at = std::find_if(waiting_.begin(), waiting_.end(), is_it); at != waiting_.end()) {
    waiting_.erase(at);
    return true;
  }
  return false;
}

// Returns the number of blocks for a sequence with `tokens` tokens in the cache, including its windowed
// layers.
std::uint32_t Engine::blocks_needed(std::uint32_t tokens) const {
  const auto windows = static_cast<std::uint32_t>(std::ceil(cost_.window_tokens(tokens) / kBlock));
  return (tokens + kBlock - 1) / kBlock + windows;
}

std::optional<Time> Engine::next_time() const {
  if (step_end_) return step_end_;
  if (running_.empty() && waiting_.empty()) return std::nullopt;
  return clock_;
}

void Engine::advance(Time now, std::vector<TokenEvent>& out) {
  while (step_end_ && *step_end_ <= now) {
    const Time at = *step_end_;
    clock_ = std::max(clock_, at);
    end_step(out);
    begin_step(at);
  }
  clock_ = std::max(clock_, now);
  if (!step_end_) begin_step(clock_);
}

// Frees the blocks of the most recently admitted sequence and puts it at the head of the queue.
void Engine::preempt_last() {
  SequenceState last = running_.back();
  running_.pop_back();
  free_blocks_ += last.blocks;
  last.blocks = last.computed = last.scheduled = last.received = 0;
  waiting_.push_front(last);
  ++preemptions_;
}

// Allocates blocks for `tokens` more tokens of the sequence at `index`. Returns false if that sequence itself
// was preempted.
bool Engine::make_room(std::size_t index, std::uint32_t tokens) {
  const std::uint32_t wanted = blocks_needed(running_[index].computed + tokens);
  const std::uint32_t more = wanted - std::min(wanted, running_[index].blocks);
  while (free_blocks_ < more) {
    const bool itself = index + 1 == running_.size();
    preempt_last();
    if (itself) return false;
  }
  free_blocks_ -= more;
  running_[index].blocks += more;
  return true;
}

// Starts the sequence at the head of the queue if there is memory for its next part. Returns false otherwise.
bool Engine::admit_next(std::uint32_t& budget) {
  if (waiting_.empty() || budget == 0 || running_.size() >= limits_.max_num_seqs) return false;
  SequenceState next = waiting_.front();
  next.computed = next.received;
  next.scheduled = std::min(next.known - next.computed, budget);
  const std::uint32_t blocks = blocks_needed(next.computed + next.scheduled);
  if (blocks > free_blocks_) return false;
  free_blocks_ -= blocks;
  next.blocks = blocks;
  budget -= next.scheduled;
  waiting_.pop_front();
  running_.push_back(next);
  return true;
}

void Engine::add_to_batch(const SequenceState& one, Batch& batch) const {
  if (one.scheduled == 0) return;
  const double tokens = one.scheduled, before = one.computed, after = before + tokens;
  const double window = cost_.setup().architecture->kv.window;
  batch.full_context += after;
  batch.windowed_context += std::min(after, window);
  if (one.scheduled == 1 && (one.generated > 0 || one.received > 0)) {
    batch.decode_tokens += 1;
    batch.decode_pairs += after;
  } else {
    batch.prefill_tokens += tokens;
    batch.prefill_pairs += tokens * (before + (tokens + 1) / 2);
  }
}

void Engine::begin_step(Time at) {
  if (running_.empty() && waiting_.empty()) return;
  std::uint32_t budget = limits_.max_num_batched_tokens;
  const std::uint64_t preempted = preemptions_;
  for (SequenceState& one : running_)
    one.scheduled = 0;
  for (std::size_t i = 0; i < running_.size() && budget > 0; ++i) {
    const std::uint32_t tokens = std::min(running_[i].known - running_[i].computed, budget);
    if (!make_room(i, tokens)) break;
    running_[i].scheduled = tokens;
    budget -= tokens;
  }
  while (preempted == preemptions_ && admit_next(budget)) {
  }
  peak_used_ = std::max(peak_used_, blocks_ - free_blocks_);

  Batch batch;
  for (const SequenceState& one : running_)
    add_to_batch(one, batch);
  const double seconds = cost_.step_seconds(batch);
  step_begin_ = at;
  step_end_ = at + std::max(Time(1), Time(std::llround(seconds * 1e9)));
}

void Engine::end_step(std::vector<TokenEvent>& out) {
  const Time at = *step_end_;
  step_end_.reset();
  ++steps_;
  busy_ += at - step_begin_;
  std::size_t kept = 0;
  for (SequenceState& one : running_) {
    one.computed += one.scheduled;
    const bool token = one.scheduled > 0 && one.computed == one.known;
    one.scheduled = 0;
    if (token) {
      const bool last = ++one.generated == one.output;
      ++one.known;
      out.push_back({one.id, one.generated - 1, last, at});
      if (last) {
        free_blocks_ += one.blocks;
        continue;
      }
    }
    running_[kept++] = one;
  }
  running_.resize(kept);
}

Load Engine::load() const {
  return {.steps = steps_,
          .preemptions = preemptions_,
          .running = running_.size(),
          .waiting = waiting_.size(),
          .blocks_used = blocks_ - free_blocks_,
          .blocks = blocks_,
          .peak_blocks_used = peak_used_,
          .busy = busy_};
}

std::string Engine::check_invariants() const {
  std::uint64_t used = 0, scheduled = 0;
  for (const SequenceState& one : running_) {
    used += one.blocks;
    scheduled += one.scheduled;
    if (blocks_needed(one.computed + one.scheduled) > one.blocks)
      return "a sequence has fewer blocks than its tokens need";
    if (one.generated >= one.output) return "a finished sequence is still running";
    if (one.computed + one.scheduled > one.known) return "a sequence computes more tokens than it has";
  }
  if (used + free_blocks_ != blocks_) return "the number of used and free blocks does not add up";
  if (running_.size() > limits_.max_num_seqs) return "more sequences are running than permitted";
  if (scheduled > limits_.max_num_batched_tokens) return "a step exceeds its token budget";
  for (const SequenceState& one : waiting_) {
    if (one.blocks != 0 || one.computed != 0) return "a waiting sequence holds cache blocks";
  }
  if (!step_end_ && !running_.empty()) return "sequences are running but no step is in progress";
  return "";
}

}  // namespace sweep::sim_server
