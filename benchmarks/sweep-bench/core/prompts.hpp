// Builds request bodies: prompts as token ids of exact length, or as text. Pure.
//
// All prompts are windows into one pool of random tokens that is already JSON text, so sending a request
// neither generates nor copies a prompt. Windows begin at different positions, so two prompts have no common
// beginning except for a requested prefix, and the server's prefix cache does not speed up any measured
// request.
//
// Text is for chat and for servers that do not accept ids: short English words, each of which is one token in
// common vocabularies. The token count of a text prompt is only approximately the requested one; the server's
// usage reports the actual count.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "benchmarks/sweep-bench/core/plan.hpp"

namespace sweep::client {

/// The pieces of a request body, to be sent in this order. The views are valid as long as the Prompts object.
struct Body {
  std::string head;
  std::string_view prefix, window, tail;
  std::size_t size() const { return head.size() + prefix.size() + window.size() + tail.size(); }
};

class Prompts {
 public:
  /// `text`: send prompts as text, otherwise as ids (completions only).
  Prompts(const Setup& setup, const Plan& plan, bool text);

  /// Returns {"model":…,…,"max_tokens":N,"prompt":[…]}, or "messages" instead of "prompt" for chat.
  Body body(const PlannedRequest& request) const;

 private:
  std::string head_, length_key_, open_, prefix_, pool_, tail_;
  std::vector<std::uint32_t> offsets_;  // start of each token in pool_, then its end
  std::uint32_t prefix_len_ = 0;
  bool fixed_length_ = false;  // --extra-body sets the number of output tokens
};

}  // namespace sweep::client
