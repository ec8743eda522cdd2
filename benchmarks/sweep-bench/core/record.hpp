// The outcome of one request. Times are nanoseconds of one monotonic clock. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sweep::client {

using Nanos = std::int64_t;

/// Why a request failed. Failures are counted by kind; failed requests are excluded from all averages.
enum class Failure {
  Refused,     // cannot connect: refused, unreachable, or --connect-timeout exceeded
  Cut,         // the connection ended before the response was complete
  Stalled,     // --stall-timeout passed without a byte, or --request-timeout was exceeded
  HttpStatus,  // a status other than 200
  Garbage,     // invalid HTTP or JSON, a line without an end, or more output than requested
  Server,      // the stream contained an error
  Empty,       // a complete response without an output token
};
inline constexpr std::array<std::string_view, 7> kFailureWords = {
    "refused", "cut", "stalled", "http_status", "garbage", "server", "empty"};

struct RequestRecord {
  // Set when the request is sent.
  Nanos arrival = 0;    // the planned arrival
  Nanos scheduled = 0;  // when it could be sent: after its arrival and when --max-concurrency permitted it
  Nanos sent = 0;       // when its first byte was passed to the kernel (or its connection was started)

  // Set while the response arrives. The times are those at which bytes arrived.
  Nanos first = 0, last = 0;  // first and last chunk with output
  std::uint32_t chunks = 0;   // chunks with output; if 0, `first` and `last` are not set
  std::vector<float> gaps;    // seconds between consecutive chunks
  std::optional<std::int64_t> prompt_tokens, completion_tokens;  // from the server's usage
  // Only with --save-detailed and a server that stamps its events (sweep-simserver --stamps): seconds from
  // the arrival of the request at the server to its first event, and between its events, by the server's
  // clock.
  std::optional<double> server_ttft;
  std::vector<float> server_gaps;
  std::optional<Nanos> last_stamp;
  std::string text;  // only with --save-detailed
  bool simulated = false;

  std::optional<Failure> failure;
  std::string error;  // one printable line; empty if the request succeeded
  int status = 0;     // HTTP status; 0 if none was received
};

/// Marks `record` as failed. `error` is made printable and clipped to a bounded length.
void set_failure(RequestRecord& record, Failure kind, std::string_view error);

}  // namespace sweep::client
