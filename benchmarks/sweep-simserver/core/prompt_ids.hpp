// Counts the token ids of a prompt without parsing them as JSON values. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sweep::sim_server {

/// A request body whose "prompt" was a list of token ids.
struct ExtractedPrompt {
  std::uint32_t tokens = 0;  ///< length of the list
  std::string rest;          ///< the body with `null` in place of the list
};

/// Cuts the list of token ids out of a body whose top-level "prompt" is one such list. Returns std::nullopt
/// for any other body. This saves the JSON parser from parsing thousands of numbers that are only counted.
std::optional<ExtractedPrompt> extract_prompt_ids(std::string_view body);

}  // namespace sweep::sim_server
