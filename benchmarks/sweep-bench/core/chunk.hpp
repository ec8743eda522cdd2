// Parses one event of a streamed response: the JSON chunk of OpenAI's completions and chat completions, as
// vLLM, SGLang and TensorRT-LLM write it. Pure.
//
// The parser makes one pass over the bytes, checks the full JSON grammar and allocates nothing: each output
// token of each stream is a chunk, and the time spent here adds to the client's lag.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "util/error.hpp"

namespace sweep::client {

struct Chunk {
  bool choice = false;     // has a first choice, which counts as output
  bool usage = false;      // has the numbers of tokens
  bool role = false;       // its delta names a role: the start of a chat response
  bool finished = false;   // has a finish_reason
  bool simulated = false;  // the server marks the chunk as simulated
  std::string_view text;   // text, content or reasoning of the first choice, still JSON-escaped
  std::string_view error;  // the JSON of a member "error", also if it means that there is none; empty: absent
  std::string_view failed_end;  // a finish_reason that is not a regular end, still JSON-escaped
  std::optional<std::int64_t> prompt_tokens, completion_tokens;  // from usage
  std::optional<std::int64_t> stamp_ns, received_ns;             // from sweep-simserver --stamps
};

/// Returns a chunk whose views point into `json`. Fails if `json` is not a JSON object or nests deeper than
/// 64 levels.
Expected<Chunk> read_chunk(std::string_view json);

/// Returns the characters that `spelled`, the inside of a JSON string, stands for.
std::string unescaped(std::string_view spelled);

}  // namespace sweep::client
