// One event of a streamed answer: the JSON chunk of OpenAI's completions and chat completions, as vLLM,
// SGLang and TensorRT-LLM write it. Pure.
//
// One pass over the bytes that checks all of JSON's grammar and allocates nothing: there is one chunk for
// each output token of every stream, and the time spent here is the client's own lag.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "util/error.hpp"

namespace sweep::client {

struct Chunk {
  bool choice = false;     // there is a first choice: a token, or what stands for one
  bool role = false;       // its delta names a role: the opening of a chat answer
  bool finished = false;   // it has a finish_reason
  bool simulated = false;  // the server says that it is a simulation
  std::string_view text;   // text, content or reasoning of the first choice, as JSON spells it
  std::string_view error;  // the JSON of an error in place of an answer
  std::optional<std::int64_t> prompt_tokens, completion_tokens;  // of usage
  std::optional<std::int64_t> stamp_ns, received_ns;             // of sweep-simserver --stamps: its own times
};

/// The views point into `json`. Fails on anything that is no JSON object, or nested beyond 64 levels.
Expected<Chunk> read_chunk(std::string_view json);

/// The characters that `spelled`, the inside of a JSON string, stands for.
std::string unescaped(std::string_view spelled);

}  // namespace sweep::client
