// Builds the server's responses: heads and bodies; event_writer.hpp writes the events of streams. Pure.
//
// Every body and every event contains "simulated": true, and every head contains X-Simulated: true, so that
// no number from this server can be mistaken for a measurement of hardware.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "benchmarks/sweep-simserver/core/request.hpp"

namespace sweep::sim_server {

/// The served model, as reported to clients.
struct Served {
  std::string model;                ///< its name in requests
  std::int64_t created = 0;         ///< Unix seconds
  std::uint32_t max_model_len = 0;  ///< 0: no limit
  std::string description;          ///< "dsr1 in fp4 on 8 b200", for people
  bool ready = false;
};

struct Answer {
  int status = 200;
  std::string body;   ///< JSON
  std::string allow;  ///< the Allow header of a 405
};

/// Routes a request line: returns a complete answer, or the endpoint of a generation request, whose body must
/// be read.
std::variant<Answer, Endpoint> route(std::string_view method, std::string_view target, const Served& served);

/// {"error": {message, type, param, code}, "simulated": true}
Answer error_answer(const ApiError& error);

/// Returns a whole response with a body of known length. `close`: the connection is closed after it.
std::string response(const Answer& answer, bool close);

/// Returns the head of a response whose body is chunked or, if the client does not support chunked encoding
/// (HTTP/1.0), ends with the connection.
std::string stream_head(std::string_view content_type, bool chunked, bool close);

/// Returns `bytes` as one chunk of a chunked body.
std::string chunk(std::string_view bytes);
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

struct Usage {
  std::uint64_t prompt_tokens = 0, completion_tokens = 0;
};

/// Fields that are the same in all events of a response.
struct AnswerHead {
  Endpoint endpoint = Endpoint::Completions;
  std::uint64_t number = 0;     ///< number of the request, from 0; part of its id
  std::uint64_t text_seed = 0;  ///< selects the text; derived from seed and number
  std::int64_t created = 0;     ///< Unix seconds
  std::string model;
};

/// Returns the body of a response that is not streamed: `choices` texts of `tokens` tokens each.
std::string whole_answer(const AnswerHead& head, std::size_t choices, std::uint32_t tokens,
                         const Usage& usage);

}  // namespace sweep::sim_server
