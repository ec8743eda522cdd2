#include "benchmarks/sweep-simserver/core/engine.hpp"

#include <algorithm>
#include <cmath>

namespace sweep::sim_server {

Engine::Engine(const CostModel& cost, const Limits& limits, std::uint64_t blocks)
    : cost_(cost), limits_(limits), blocks_(blocks), free_blocks_(blocks) {}

Expected<Engine> Engine::make(const CostModel& cost, const Limits& limits) {
  const std::uint32_t can = cost.setup().architecture->max_context;
  Limits used = limits;
  if (used.max_model_len == 0) used.max_model_len = can;
  if (used.max_model_len > can)
    return fail("--max-model-len " + std::to_string(used.max_model_len) + " is more than the " +
                std::to_string(can) + " that " + std::string(cost.setup().architecture->name) + " can");
  if (used.max_num_seqs < 1) return fail("--max-num-seqs must be at least 1");
  if (used.max_num_batched_tokens < 1) return fail("--max-num-batched-tokens must be at least 1");
  const auto blocks = static_cast<std::uint64_t>(cost.kv_capacity_tokens() / kBlock);
  if (blocks < 1)
    return fail("no room is left for a cache beside the weights: use a larger --tp or another --precision");
  return Engine(cost, used, blocks);
}

Expected<void> Engine::submit(const Sequence& sequence, Time now) {
  const std::uint64_t context = std::uint64_t{sequence.prompt_tokens} + sequence.output_tokens;
  if (context > limits_.max_model_len)
    return fail("this model's maximum context length is " + std::to_string(limits_.max_model_len) +
                " tokens, not " + std::to_string(context) + " (" + std::to_string(sequence.prompt_tokens) +
                " of the prompt, " + std::to_string(sequence.output_tokens) + " to complete)");
  if (blocks_of(static_cast<std::uint32_t>(context)) > blocks_)
    return fail("the cache holds " + std::to_string(blocks_ * kBlock) + " tokens, not " +
                std::to_string(context));
  clock_ = std::max(clock_, now);
  Running entry;
  entry.id = sequence.id;
  entry.output = sequence.output_tokens;
  entry.known = sequence.prompt_tokens;
  waiting_.push_back(entry);
  return {};
}

bool Engine::cancel(std::uint64_t id) {
  const auto is_it = [id](const Running& one) { return one.id == id; };
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

// What a sequence with so many tokens in its cache takes, its windows included.
std::uint32_t Engine::blocks_of(std::uint32_t tokens) const {
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

// Gives the last admitted sequence's blocks back and has it wait at the head of the queue.
void Engine::preempt_last() {
  Running last = running_.back();
  running_.pop_back();
  free_blocks_ += last.blocks;
  last.blocks = last.computed = last.scheduled = 0;
  waiting_.push_front(last);
  ++preemptions_;
}

// Blocks for `tokens` more of the sequence at `index`; false when it had to give way itself.
bool Engine::make_room(std::size_t index, std::uint32_t tokens) {
  const std::uint32_t wanted = blocks_of(running_[index].computed + tokens);
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

// The head of the queue runs, if there is room for its next part.
bool Engine::admit(std::uint32_t& budget) {
  if (waiting_.empty() || budget == 0 || running_.size() >= limits_.max_num_seqs) return false;
  Running next = waiting_.front();
  next.scheduled = std::min(next.known, budget);
  const std::uint32_t blocks = blocks_of(next.scheduled);
  if (blocks > free_blocks_) return false;
  free_blocks_ -= blocks;
  next.blocks = blocks;
  budget -= next.scheduled;
  waiting_.pop_front();
  running_.push_back(next);
  return true;
}

void Engine::count(const Running& one, Batch& batch) const {
  if (one.scheduled == 0) return;
  const double tokens = one.scheduled, before = one.computed, after = before + tokens;
  const double window = cost_.setup().architecture->kv.window;
  batch.full_context += after;
  batch.windowed_context += std::min(after, window);
  if (one.scheduled == 1 && one.generated > 0) {
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
  for (Running& one : running_)
    one.scheduled = 0;
  for (std::size_t i = 0; i < running_.size() && budget > 0; ++i) {
    const std::uint32_t tokens = std::min(running_[i].known - running_[i].computed, budget);
    if (!make_room(i, tokens)) break;
    running_[i].scheduled = tokens;
    budget -= tokens;
  }
  while (preempted == preemptions_ && admit(budget)) {
  }
  most_used_ = std::max(most_used_, blocks_ - free_blocks_);

  Batch batch;
  for (const Running& one : running_)
    count(one, batch);
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
  for (Running& one : running_) {
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
          .most_blocks_used = most_used_,
          .busy = busy_};
}

std::string Engine::broken() const {
  std::uint64_t used = 0, scheduled = 0;
  for (const Running& one : running_) {
    used += one.blocks;
    scheduled += one.scheduled;
    if (blocks_of(one.computed + one.scheduled) > one.blocks)
      return "a sequence has fewer blocks than tokens";
    if (one.generated >= one.output) return "a sequence that has ended still runs";
    if (one.computed + one.scheduled > one.known) return "a sequence computes what is not known";
  }
  if (used + free_blocks_ != blocks_) return "blocks are lost or there twice";
  if (running_.size() > limits_.max_num_seqs) return "more sequences run than may";
  if (scheduled > limits_.max_num_batched_tokens) return "a step is larger than its budget";
  for (const Running& one : waiting_) {
    if (one.blocks != 0 || one.computed != 0) return "a waiting sequence has cache";
  }
  if (!step_end_ && !running_.empty()) return "sequences run and no step is under way";
  return "";
}

}  // namespace sweep::sim_server
