// What became of one request. Times are nanoseconds of one monotonic clock. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sweep::client {

using Nanos = std::int64_t;

/// Why a request counts as failed; each is counted apart, and none is in an average.
enum class Failure {
  Refused,     // no connection: refused, unreachable, or not within --connect-timeout
  Cut,         // the connection ended before the answer did
  Stalled,     // no byte for --stall-timeout, or no end within --request-timeout
  HttpStatus,  // a status other than 200
  Garbage,     // no HTTP, no JSON, a line without an end, more than was asked for
  Server,      // an error in the middle of the stream
  Empty,       // an answer that ended well and has no token in it
};
inline constexpr std::array<std::string_view, 7> kFailureWords = {
    "refused", "cut", "stalled", "http_status", "garbage", "server", "empty"};

struct RequestRecord {
  // Set when it was sent.
  Nanos arrival = 0;    // when the plan has it
  Nanos scheduled = 0;  // when it could go: arrived, and a place among --max-concurrency was free
  Nanos sent = 0;       // when its first byte was handed to the system (or its connection begun)

  // Set as the answer comes; arrivals of bytes.
  Nanos first = 0, last = 0;  // of the first and last chunk with output
  std::uint32_t chunks = 0;   // with output; 0: there is neither first nor last
  std::vector<float> gaps;    // seconds between them
  std::optional<std::int64_t> prompt_tokens, completion_tokens;  // the server's usage
  // Of a server that stamps its events (sweep-simserver --stamps), where details are kept: seconds from the
  // request's arrival there to its first event, and between its events, by its own clock.
  std::optional<double> server_ttft;
  std::vector<float> server_gaps;
  std::optional<Nanos> last_stamp;
  std::string text;  // where it is kept
  bool simulated = false;

  std::optional<Failure> failure;
  std::string error;  // one printable line, "" when it succeeded
  int status = 0;     // of HTTP; 0: none came
};

/// Marks `record` as failed; `error` is made one printable line of bounded length.
void set_failure(RequestRecord& record, Failure kind, std::string_view error);

}  // namespace sweep::client
