// What a client asks for: the body of /v1/completions and /v1/chat/completions, as far as a simulation needs
// it. Pure.
//
// Rules: the numbers of tokens are exact for token ids. Text has no tokenizer here: each begun 4 bytes of
// UTF-8 count as one token, at least 1 a prompt; a chat's prompt is the sum over its messages of that and of
// kMessageTokens for each. What a client sends is answered with an error, never asserted on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace sweep::sim_server {

inline constexpr std::uint32_t kTextBytesPerToken = 4;
inline constexpr std::uint32_t kMessageTokens = 4;
inline constexpr std::uint32_t kDefaultCompletionTokens = 16;  // OpenAI's default of /v1/completions
inline constexpr std::uint32_t kDefaultChatTokens = 256;
inline constexpr std::uint32_t kMostTokens = 100'000'000;  // in one prompt or answer
inline constexpr std::size_t kMostPrompts = 4096;          // in one request

/// An answer other than 200, as OpenAI's API words it.
struct ApiError {
  int status = 400;
  std::string type = "invalid_request_error";
  std::string message;
  std::string param;  ///< the field; empty: null
};

template <class T>
using ApiExpected = tl::expected<T, ApiError>;

enum class Endpoint { Completions, Chat };

struct Generation {
  Endpoint endpoint = Endpoint::Completions;
  std::vector<std::uint32_t> prompts;  ///< tokens of each; at least one prompt
  std::uint32_t max_tokens = 0;        ///< of each answer; at least 1
  bool stream = false;
  bool include_usage = false;
};

/// Reads a body. `served`: the model's name; one that is named and another is status 404.
ApiExpected<Generation> read_generation(Endpoint endpoint, std::string_view body, std::string_view served);

/// Tokens that `text` counts as.
std::uint32_t text_tokens(std::string_view text);

/// A body whose "prompt" is one list of token ids, and that list: its length, and the body with `null` in its
/// place. Nothing for any other body. It spares the JSON parser the thousands of numbers that are only
/// counted.
struct LiftedIds {
  std::uint32_t count = 0;
  std::string rest;
};
std::optional<LiftedIds> lift_ids(std::string_view body);

}  // namespace sweep::sim_server
