// Parses the body of one response and fills in its record: when tokens arrived, how many, and how the
// response ended. Pure.
//
// An event counts as output as in vLLM's benchmark_serving: each event with a choice counts, even if its text
// is empty (a special token). ITL is the time between two such events; one event may carry several tokens.
// Unlike there, the first event of a chat response, which only names the role, does not count.
//
// A response is a success if it ended as the request permits. It has failed if any part of it reports an
// error (an object "error" that is not empty, an event or line called error, JSON in place of events), if its
// finish_reason is not a regular end (abort, error), or if it stopped without [DONE], finish_reason or usage.
// The server's own words are kept.
#pragma once

#include <string_view>

#include "benchmarks/sweep-bench/core/chunk.hpp"
#include "benchmarks/sweep-bench/core/record.hpp"
#include "benchmarks/sweep-bench/core/sse.hpp"

namespace sweep::client {

class AnswerReader {
 public:
  /// `record` is filled in and must outlive this object. `max_tokens`: the number of output tokens requested;
  /// a stream with far more chunks fails as garbage, so that no stream is read forever. `details`: keep texts
  /// and the server's time stamps.
  AnswerReader(RequestRecord& record, std::uint32_t max_tokens, bool details);

  /// Takes two fields of the head of a response with status 200; empty if they are absent. Returns false if
  /// the body cannot be read because it is compressed; the record then holds the failure.
  bool head(std::string_view content_type, std::string_view content_encoding);

  /// Parses body bytes of a response with status 200 that arrived at `at`. Returns false if no more bytes are
  /// needed because they are garbage or an error; the record then holds the failure.
  bool body(std::string_view bytes, Nanos at);

  /// Decides how the request ended. `whole`: the body was complete according to HTTP.
  void end(bool whole, Nanos at);

  /// Returns true once [DONE] was received.
  bool done() const { return done_; }

 private:
  bool event(std::string_view name, std::string_view data, Nanos at);
  bool chunk_event(const Chunk& chunk, std::string_view data, Nanos at);
  bool add_output(const Chunk& chunk, Nanos at);
  void keep_details(const Chunk& chunk);
  void drop_empty_usage();
  std::optional<std::string> error_outside_events() const;
  std::string not_events() const;
  bool fail_with(Failure kind, const std::string& error);

  RequestRecord& record_;
  SseParser events_;
  std::uint64_t max_chunks_;
  std::string content_type_;
  bool details_, done_ = false;
  bool finished_ = false;     // a finish_reason was received
  bool final_usage_ = false;  // usage was received after the last output
  bool text_ = false;         // a chunk had text
};

}  // namespace sweep::client
