#include "benchmarks/sweep-simserver/core/stream_relay.hpp"

#include "benchmarks/sweep-simserver/core/reply.hpp"

namespace sweep::sim_server {

void StreamRelay::put(std::string& out, std::string_view bytes) const {
  if (bytes.empty()) return;
  if (chunked_) {
    out += chunk(bytes);
  } else {
    out += bytes;
  }
}

void StreamRelay::add(std::string& out, std::string_view bytes) {
  constexpr std::string_view kEventEnd = "\n\n";
  incomplete_ += bytes;
  const std::size_t end = incomplete_.rfind(kEventEnd);
  if (end == std::string::npos) return;
  put(out, std::string_view(incomplete_).substr(0, end + kEventEnd.size()));
  incomplete_.erase(0, end + kEventEnd.size());
}

void StreamRelay::finish(std::string& out) {
  put(out, incomplete_);
  incomplete_.clear();
  if (chunked_) out += kLastChunk;
}

void StreamRelay::fail(std::string& out, const std::string& message) {
  const Answer answer = error_answer({.status = 502, .type = "worker_lost", .message = message, .param = ""});
  incomplete_ = "data: " + answer.body + "\n\n";
  finish(out);
}

}  // namespace sweep::sim_server
