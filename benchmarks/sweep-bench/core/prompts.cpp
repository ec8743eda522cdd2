#include "benchmarks/sweep-bench/core/prompts.hpp"

#include <array>

#include "benchmarks/sweep-bench/core/random.hpp"
#include "util/json.hpp"

namespace sweep::client {

namespace {

using Json = nlohmann::ordered_json;

// Short words, each one token in common vocabularies. Their mean length is 3, so that a word with its blank has 4
// bytes, which sweep-simserver counts as one token.
constexpr std::array<std::string_view, 64> kWords = {
    "the",  "of",  "and",  "to",   "in",   "is",  "for",  "that", "it",   "with", "as",   "was",  "on",
    "be",   "at",  "by",   "this", "from", "are", "have", "not",  "or",   "an",   "they", "did",  "one",
    "you",  "had", "her",  "all",  "get",  "how", "been", "has",  "why",  "who",  "will", "more", "if",
    "out",  "so",  "what", "up",   "its",  "see", "into", "than", "them", "can",  "only", "man",  "new",
    "some", "way", "time", "old",  "two",  "may", "then", "do",   "day",  "any",  "my",   "now"};

// Appends one token, preceded by its separator: a comma for ids, a blank for text.
void append_token(std::string& out, Random& random, const Options& options, bool text) {
  if (text) {
    out += ' ';
    out += kWords[random.bits() % kWords.size()];
  } else {
    out += ',';
    out += std::to_string(random.between(options.token_id_min, options.token_id_max));
  }
}

std::string dumped(const Json& json) {
  return json.dump(-1, ' ', true, Json::error_handler_t::replace);
}

// All fields except for the prompt and the number of output tokens.
Json common_fields(const Setup& setup, bool chat) {
  const Options& o = setup.options;
  Json json;
  json["model"] = o.served_model_name.empty() ? o.model : o.served_model_name;
  json["temperature"] = 0.0;
  json["stream"] = true;
  json["stream_options"] = {{"include_usage", true}};
  if (o.ignore_eos) json["ignore_eos"] = true;
  if (o.best_of) json["best_of"] = *o.best_of;
  if (o.logprobs && !chat) json["logprobs"] = *o.logprobs;
  for (const auto& [key, value] : setup.extra_body.items())
    json[key] = value;
  return json;
}

}  // namespace

Prompts::Prompts(const Setup& setup, const Plan& plan, bool text) {
  const bool chat = setup.api == Api::Chat;
  text = text || chat;
  const Json fields = common_fields(setup, chat);
  fixed_length_ = fields.contains("max_tokens") || fields.contains("max_completion_tokens");
  head_ = dumped(fields);
  head_.pop_back();  // remove the closing brace; more fields follow
  length_key_ = chat ? R"(,"max_completion_tokens":)" : R"(,"max_tokens":)";
  open_ = chat ? R"(,"messages":[{"role":"user","content":")" : text ? R"(,"prompt":")" : R"(,"prompt":[)";
  tail_ = chat ? R"("}]})" : text ? R"("})" : R"(]})";

  Random random(setup.options.seed ^ 0x706f6f6cu);  // a different sequence from the plan's
  prefix_len_ = static_cast<std::uint32_t>(setup.options.prefix_len);
  for (std::uint32_t i = 0; i < prefix_len_; ++i)
    append_token(prefix_, random, setup.options, text);
  if (!prefix_.empty()) prefix_.erase(0, 1);

  const std::size_t count = std::size_t{plan.starts} + plan.longest;
  offsets_.reserve(count + 1);
  for (std::size_t i = 0; i < count; ++i) {
    offsets_.push_back(static_cast<std::uint32_t>(pool_.size()));
    append_token(pool_, random, setup.options, text);
  }
  offsets_.push_back(static_cast<std::uint32_t>(pool_.size()));
}

Body Prompts::body(const PlannedRequest& request) const {
  Body body;
  body.head = head_;
  if (!fixed_length_) body.head += length_key_ + std::to_string(request.output_len);
  body.head += open_;
  body.prefix = prefix_;
  const std::size_t tokens = request.input_len - prefix_len_;
  const std::size_t skip = prefix_.empty() ? 1 : 0;  // the first token has no separator
  const std::size_t from = offsets_[request.start] + skip, to = offsets_[request.start + tokens];
  body.window = std::string_view(pool_).substr(from, to - from);
  body.tail = tail_;
  return body;
}

}  // namespace sweep::client
