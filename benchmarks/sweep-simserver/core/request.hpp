// Parses the bodies of /v1/completions and /v1/chat/completions, as far as the simulation needs them. Pure.
//
// Token counts are exact for prompts of token ids. Text is not tokenized: it counts as one token per 4 bytes
// of UTF-8, rounded up, and at least 1 per prompt. The prompt of a chat is the sum of this over its messages,
// plus kMessageTokens for each message. Invalid input leads to an error response and never to a failed
// assertion.
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
inline constexpr std::uint32_t kMaxTokens = 100'000'000;  // in one prompt or output
inline constexpr std::size_t kMaxPrompts = 4096;          // in one request

/// An error response in the format of OpenAI's API.
struct ApiError {
  int status = 400;
  std::string type = "invalid_request_error";
  std::string message;
  std::string param;  ///< name of the field; empty: null
};

template <class T>
using ApiExpected = tl::expected<T, ApiError>;

enum class Endpoint { Completions, Chat };

struct Generation {
  Endpoint endpoint = Endpoint::Completions;
  std::vector<std::uint32_t> prompts;  ///< number of tokens of each prompt; at least one prompt
  std::uint32_t max_tokens = 0;        ///< output tokens for each prompt; at least 1
  bool stream = false;
  bool include_usage = false;
};

/// Parses a body. `served`: the served model's name; a request for another model gets status 404.
ApiExpected<Generation> read_generation(Endpoint endpoint, std::string_view body, std::string_view served);

/// Returns the number of tokens that `text` counts as.
std::uint32_t text_tokens(std::string_view text);

}  // namespace sweep::sim_server
