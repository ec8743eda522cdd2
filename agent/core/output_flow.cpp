#include "agent/core/output_flow.hpp"

#include <algorithm>

namespace sweep::agent {

void OutputFlow::set(std::int64_t log_limit, std::int64_t log_window) {
  limit_ = log_limit;
  window_ = log_window;
}

void OutputFlow::apply(Actions& out) {
  const auto concerned = [](const Action& action) {
    const auto* send = std::get_if<Send>(&action);
    return send != nullptr && (std::holds_alternative<wire::LogChunk>(send->message) ||
                               std::holds_alternative<wire::Finished>(send->message));
  };
  if (std::none_of(out.begin(), out.end(), concerned)) return;
  Actions all = std::exchange(out, {});
  for (Action& action : all) {
    auto* send = std::get_if<Send>(&action);
    if (send != nullptr && std::holds_alternative<wire::LogChunk>(send->message)) {
      add_chunk(*send, out);
      continue;
    }
    const auto* finished = send == nullptr ? nullptr : std::get_if<wire::Finished>(&send->message);
    if (finished != nullptr && finished->of.empty()) add_ends(finished->ref, out);
    out.push_back(std::move(action));
  }
  pause_or_resume(out);
}

void OutputFlow::add_chunk(Send& chunk, Actions& out) {
  const auto& head = std::get<wire::LogChunk>(chunk.message);
  if (limit_ > 0) {
    OutputLimit& limit = limits_.try_emplace(key(head.ref), limit_).first->second;
    chunk.bulk.resize(limit.take(head.is_stderr, chunk.bulk));
  }
  if (chunk.bulk.empty()) return;
  in_flight_ += static_cast<std::int64_t>(chunk.bulk.size());
  out.emplace_back(std::move(chunk));
}

void OutputFlow::add_ends(const AttemptRef& ref, Actions& out) {
  const auto found = limits_.find(key(ref));
  if (found == limits_.end()) return;
  for (OutputPiece& piece : found->second.finish(kLongestOutputPiece)) {
    in_flight_ += static_cast<std::int64_t>(piece.bytes.size());
    out.emplace_back(Send{wire::LogChunk{ref, piece.is_stderr}, std::move(piece.bytes)});
  }
}

void OutputFlow::on_credit(std::int64_t bytes, Actions& out) {
  in_flight_ = std::max<std::int64_t>(0, in_flight_ - bytes);
  pause_or_resume(out);
}

void OutputFlow::on_new_connection(Actions& out) {
  in_flight_ = 0;
  pause_or_resume(out);
}

void OutputFlow::pause_or_resume(Actions& out) {
  const bool pause = window_ > 0 && (paused_ ? in_flight_ > window_ / 2 : in_flight_ >= window_);
  if (pause != paused_) out.emplace_back(PauseOutput{pause});
  paused_ = pause;
}

}  // namespace sweep::agent
