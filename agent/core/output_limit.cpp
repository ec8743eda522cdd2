#include "agent/core/output_limit.hpp"

#include <algorithm>

namespace sweep::agent {

namespace {

constexpr std::int64_t kMostEndBytes = std::int64_t{1} << 20;

std::string left_out_note(std::uint64_t left_out, std::int64_t limit) {
  return "\n[slurm-sweep: " + std::to_string(left_out) +
         " bytes of this output were left out here, because the attempt's output is limited to " +
         std::to_string(limit) + " bytes; to keep more, set log-limit in the profile]\n";
}

}  // namespace

OutputLimit::OutputLimit(std::int64_t limit)
    : limit_(limit),
      end_bytes_(static_cast<std::size_t>(std::min(limit / 16, kMostEndBytes))),
      beginning_left_(static_cast<std::size_t>(limit) - 2 * end_bytes_) {}

std::size_t OutputLimit::take(bool is_stderr, std::string_view bytes) {
  const std::size_t now = std::min(bytes.size(), beginning_left_);
  beginning_left_ -= now;
  if (now < bytes.size()) {
    Stream& stream = streams_[is_stderr ? 1 : 0];
    stream.end += bytes.substr(now);
    // Twice the size before it is cut, so that bytes are moved once and not with every piece.
    if (stream.end.size() > 2 * end_bytes_) trim(stream);
  }
  return now;
}

void OutputLimit::trim(Stream& stream) const {
  if (stream.end.size() <= end_bytes_) return;
  const std::size_t excess = stream.end.size() - end_bytes_;
  stream.left_out += excess;
  stream.end.erase(0, excess);
}

std::vector<OutputPiece> OutputLimit::finish(std::size_t longest) {
  std::vector<OutputPiece> out;
  for (const bool is_stderr : {false, true}) {
    Stream& stream = streams_[is_stderr ? 1 : 0];
    trim(stream);
    std::string text = stream.left_out > 0 ? left_out_note(stream.left_out, limit_) : "";
    text += stream.end;
    stream = {};
    for (std::size_t at = 0; at < text.size(); at += longest)
      out.push_back({is_stderr, text.substr(at, longest)});
  }
  beginning_left_ = 0;
  return out;
}

}  // namespace sweep::agent
