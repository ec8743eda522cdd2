// What the server sends, as text: heads, bodies, and the events of a stream. Pure.
//
// Rule: every body and every event has "simulated": true, and every head has X-Simulated: true, so that no
// number that comes from here can be taken for hardware.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "benchmarks/sweep-simserver/core/request.hpp"

namespace sweep::sim_server {

/// What is said of the model that is served.
struct Served {
  std::string model;                ///< its name in requests
  std::int64_t created = 0;         ///< Unix seconds
  std::uint32_t max_model_len = 0;  ///< 0: not limited
  std::string what;                 ///< "dsr1 fp4 on 8 b200", for people
  bool ready = false;
};

struct Answer {
  int status = 200;
  std::string body;   ///< JSON
  std::string allow;  ///< for the head of a 405
};

/// What a request line asks for: an answer that is ready, or a generation, whose body is to be read.
std::variant<Answer, Endpoint> route(std::string_view method, std::string_view target, const Served& served);

/// {"error": {message, type, param, code}, "simulated": true}
Answer error_answer(const ApiError& error);

/// A whole response with a body of known length. `close`: the connection ends behind it.
std::string response(const Answer& answer, bool close);

/// The head of a response whose body comes in chunks, or, where the client knows no chunks (HTTP/1.0), until
/// the end.
std::string stream_head(std::string_view content_type, bool chunked, bool close);

/// `bytes` as one chunk of a chunked body.
std::string chunk(std::string_view bytes);
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

struct Usage {
  std::uint64_t prompt_tokens = 0, completion_tokens = 0;
};

/// Who an answer is from; the same in all of its events.
struct AnswerHead {
  Endpoint endpoint = Endpoint::Completions;
  std::uint64_t number = 0;  ///< of the request, from 0: part of its id
  std::uint64_t words = 0;   ///< what its text begins with: follows from seed and number
  std::int64_t created = 0;  ///< Unix seconds
  std::string model;
};

/// The body of an answer that is no stream: `choices` texts of `tokens` tokens each.
std::string whole_answer(const AnswerHead& head, std::size_t choices, std::uint32_t tokens,
                         const Usage& usage);

/// The text of token `index` of choice `choice`: kWordBytes bytes of ASCII, one of 64 words.
inline constexpr std::size_t kWordBytes = 5;
std::string_view word(std::uint64_t words, std::size_t choice, std::uint32_t index);

/// Makes the events of one stream: an event is written once and then copied, with its word and stamp put in
/// place.
class Events {
 public:
  /// `chunked`: each event is a chunk of its own. `received_ns`: with --stamps, when the request was there
  /// whole; events then have it and the time of their own as CLOCK_MONOTONIC nanoseconds.
  Events(AnswerHead head, bool chunked, std::optional<std::int64_t> received_ns);

  /// Appends a token of a choice; before a chat's first one, the event with the role. `stamp_ns` where there
  /// are stamps.
  void token(std::string& out, std::size_t choice, std::uint32_t index, bool last, std::int64_t stamp_ns);
  /// Appends the event with the usage alone.
  void usage(std::string& out, const Usage& usage, std::int64_t stamp_ns) const;
  /// Appends "[DONE]" and the end of the body.
  void done(std::string& out) const;
  /// Appends bytes that are part of the body, as they are; and the end of the body.
  void raw(std::string& out, std::string_view bytes) const;
  void end(std::string& out) const;

 private:
  struct Shape {
    std::string bytes;
    std::size_t word_at = 0, stamp_at = 0;
    std::size_t choice = 0;
  };
  std::string opening() const;
  std::string stamps() const;
  Shape shape(std::size_t choice, bool last) const;
  void put(std::string& out, const Shape& shape, std::uint32_t index, std::int64_t stamp_ns) const;

  AnswerHead head_;
  bool chunked_;
  std::optional<std::int64_t> received_ns_;
  Shape usual_;  // the last one used that is no choice's last
};

}  // namespace sweep::sim_server
