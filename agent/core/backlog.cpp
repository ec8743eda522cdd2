#include "agent/core/backlog.hpp"

#include <algorithm>

namespace sweep::agent {

namespace {

// What each piece costs in addition to its bytes. It bounds the memory for output that arrives byte by byte
// from both streams in turn.
constexpr std::size_t kPerPiece = 64;

std::string notice(std::size_t bytes) {
  return "\n[slurm-sweep: " + std::to_string(bytes) +
         " bytes of output were dropped here: the controller did not answer]\n";
}

}  // namespace

void Backlog::add(bool is_stderr, std::string_view bytes) {
  while (!bytes.empty()) {
    if (pieces_.empty() || pieces_.back().is_stderr != is_stderr ||
        pieces_.back().bytes.size() >= kLongestOutputPiece) {
      pieces_.push_back({is_stderr, {}});
      size_ += kPerPiece;
    }
    std::string& last = pieces_.back().bytes;
    const std::string_view some = bytes.substr(0, kLongestOutputPiece - last.size());
    last += some;
    size_ += some.size();
    bytes.remove_prefix(some.size());
    make_room();
  }
}

void Backlog::make_room() {
  while (size_ > limit_ && !pieces_.empty()) {
    OutputPiece& oldest = pieces_.front();
    const std::size_t cut = std::min(size_ - limit_, oldest.bytes.size());
    dropped_[oldest.is_stderr ? 1 : 0] += cut;
    size_ -= cut;
    oldest.bytes.erase(0, cut);
    if (!oldest.bytes.empty()) continue;
    size_ -= kPerPiece;
    pieces_.pop_front();
  }
}

std::vector<OutputPiece> Backlog::take(std::size_t longest) {
  std::vector<OutputPiece> out;
  for (const bool is_stderr : {false, true}) {
    std::size_t& dropped = dropped_[is_stderr ? 1 : 0];
    if (dropped > 0) out.push_back({is_stderr, notice(dropped)});
    dropped = 0;
  }
  for (const OutputPiece& piece : pieces_) {
    for (std::size_t at = 0; at < piece.bytes.size(); at += longest)
      out.push_back({piece.is_stderr, piece.bytes.substr(at, longest)});
  }
  pieces_.clear();
  size_ = 0;
  return out;
}

}  // namespace sweep::agent
