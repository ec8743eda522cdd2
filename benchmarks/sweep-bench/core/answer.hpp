// The body of one answer, bytes in, record out: when tokens came, how many, and how it ended. Pure.
//
// What counts as output is what vLLM's benchmark_serving counts: each event with a choice, even one whose
// text is empty (a special token); ITL is the time between two of them, and one event may bring several
// tokens. Not counted, unlike there, is the opening of a chat answer that only names the role.
#pragma once

#include <string_view>

#include "benchmarks/sweep-bench/core/chunk.hpp"
#include "benchmarks/sweep-bench/core/record.hpp"
#include "benchmarks/sweep-bench/core/sse.hpp"

namespace sweep::client {

class AnswerReader {
 public:
  /// Writes into `record`, which outlives it. `wanted`: output tokens asked for; a stream of far more chunks
  /// is garbage, so that none is read for ever. `details`: texts and the server's stamps are kept.
  AnswerReader(RequestRecord& record, std::uint32_t wanted, bool details);

  /// Body bytes of an answer with status 200 that arrived at `at`. False: it is garbage or an error, the
  /// record says so, and nothing more is wanted of it.
  bool body(std::string_view bytes, Nanos at);

  /// The body has ended as HTTP says it should (`whole`), or without that. Decides how the request ended.
  void end(bool whole, Nanos at);

  /// The server has said all: [DONE] was there.
  bool done() const { return done_; }

 private:
  bool event(std::string_view data, Nanos at);
  void keep_details(const Chunk& chunk);
  bool give_up(Failure kind, const std::string& error);

  RequestRecord& record_;
  SseParser events_;
  std::uint64_t most_chunks_;
  bool details_, done_ = false, finished_ = false;
};

}  // namespace sweep::client
