// The bodies of requests: prompts as token ids of exact length, or as text. Pure.
//
// All prompts are windows into one pool of random tokens, already spelled as JSON, so that sending a request
// copies no prompt and makes none. Windows begin at different places: two prompts share no beginning but the
// prefix that was asked for, and a server's prefix cache helps no measured request.
//
// Text is for chat and for servers that take no ids: short English words, which common vocabularies have as
// one token each. Its length is near what was asked for, not exactly that; the server's usage tells.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "benchmarks/sweep-bench/core/plan.hpp"

namespace sweep::client {

/// A request's body in the pieces that are sent one behind the other. The views hold as long as the Prompts.
struct Body {
  std::string head;
  std::string_view prefix, window, tail;
  std::size_t size() const { return head.size() + prefix.size() + window.size() + tail.size(); }
};

class Prompts {
 public:
  /// `text`: as text, else as ids (completions only).
  Prompts(const Setup& setup, const Plan& plan, bool text);

  /// The JSON object: {"model":…,…,"max_tokens":N,"prompt":[…]} or "messages" for chat.
  Body body(const PlannedRequest& request) const;

 private:
  std::string head_, length_key_, open_, prefix_, pool_, tail_;
  std::vector<std::uint32_t> places_;  // of each token in pool_, and its end
  std::uint32_t prefix_len_ = 0;
  bool fixed_length_ = false;  // --extra-body says how many tokens
};

}  // namespace sweep::client
