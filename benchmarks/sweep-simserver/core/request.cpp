#include "benchmarks/sweep-simserver/core/request.hpp"

#include <algorithm>

#include "benchmarks/sweep-simserver/core/prompt_ids.hpp"
#include "util/error.hpp"
#include "util/fields.hpp"
#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep::sim_server {

namespace {

using Json = nlohmann::json;

tl::unexpected<ApiError> bad(std::string message, std::string param = "") {
  return tl::unexpected<ApiError>(ApiError{.status = 400,
                                           .type = "invalid_request_error",
                                           .message = std::move(message),
                                           .param = std::move(param)});
}

const Json& field(const Json& body, const char* key) {
  static const Json kNull;
  const auto at = body.find(key);
  return at == body.end() ? kNull : *at;
}

ApiExpected<bool> flag(const Json& body, const char* key) {
  const Json& value = field(body, key);
  if (value.is_null()) return false;
  if (!value.is_boolean()) return bad("'" + std::string(key) + "' must be true or false", key);
  return value.get<bool>();
}

ApiExpected<std::uint32_t> count(const Json& body, const char* key, std::uint32_t fallback) {
  const Json& value = field(body, key);
  if (value.is_null()) return fallback;
  if (!value.is_number_integer()) return bad("'" + std::string(key) + "' must be an integer", key);
  const auto number = value.is_number_unsigned() && value.get<std::uint64_t>() > kMaxTokens
                          ? std::int64_t{kMaxTokens} + 1
                          : value.get<std::int64_t>();
  if (number < 1 || number > kMaxTokens)
    return bad("'" + std::string(key) + "' must be from 1 to " + std::to_string(kMaxTokens), key);
  return static_cast<std::uint32_t>(number);
}

bool is_id(const Json& value) {
  return value.is_number_unsigned();
}

bool are_ids(const Json& list) {
  return list.is_array() && !list.empty() && std::all_of(list.begin(), list.end(), is_id);
}

// Counts the tokens of one prompt: a string or a list of ids.
ApiExpected<std::uint32_t> one_prompt(const Json& value) {
  if (value.is_string()) return text_tokens(value.get_ref<const std::string&>());
  if (are_ids(value)) return static_cast<std::uint32_t>(value.size());
  return bad("'prompt' must be a string, a list of token ids (non-negative integers), or a list of these",
             "prompt");
}

ApiExpected<std::vector<std::uint32_t>> prompts(const Json& body) {
  const Json& value = field(body, "prompt");
  if (value.is_null()) return bad("'prompt' is missing", "prompt");
  if (!value.is_array() || are_ids(value)) {
    SWEEP_ASSIGN(const auto one, one_prompt(value));
    return std::vector<std::uint32_t>{one};
  }
  if (value.empty()) return bad("'prompt' is an empty list", "prompt");
  if (value.size() > kMaxPrompts)
    return bad("'prompt' has " + std::to_string(value.size()) + " prompts; the maximum is " +
                   std::to_string(kMaxPrompts),
               "prompt");
  std::vector<std::uint32_t> out;
  for (const Json& element : value) {
    SWEEP_ASSIGN(const auto one, one_prompt(element));
    out.push_back(one);
  }
  return out;
}

// Counts the tokens of a message whose content is a string, or a list of parts with "text".
ApiExpected<std::uint32_t> message_tokens(const Json& message) {
  if (!message.is_object() || !field(message, "role").is_string())
    return bad("each of 'messages' must be an object with a 'role'", "messages");
  const Json& content = field(message, "content");
  if (content.is_null()) return kMessageTokens;
  if (content.is_string()) {
    const auto& text = content.get_ref<const std::string&>();
    return kMessageTokens + (text.empty() ? 0 : text_tokens(text));
  }
  if (!content.is_array())
    return bad("a message's 'content' must be a string or a list of parts", "messages");
  std::uint32_t tokens = kMessageTokens;
  for (const Json& part : content) {
    if (!part.is_object() || !field(part, "text").is_string())
      return bad("a part of a message's 'content' must have a 'text'", "messages");
    tokens += text_tokens(field(part, "text").get_ref<const std::string&>());
  }
  return tokens;
}

ApiExpected<std::vector<std::uint32_t>> messages(const Json& body) {
  const Json& list = field(body, "messages");
  if (!list.is_array() || list.empty())
    return bad("'messages' must be a list with at least one message", "messages");
  std::uint32_t tokens = 0;
  for (const Json& message : list) {
    SWEEP_ASSIGN(const auto one, message_tokens(message));
    tokens += one;
  }
  return std::vector<std::uint32_t>{tokens};
}

ApiExpected<std::uint32_t> requested_tokens(Endpoint endpoint, const Json& body) {
  const std::uint32_t fallback = endpoint == Endpoint::Chat ? kDefaultChatTokens : kDefaultCompletionTokens;
  const bool newer = endpoint == Endpoint::Chat && !field(body, "max_completion_tokens").is_null();
  return count(body, newer ? "max_completion_tokens" : "max_tokens", fallback);
}

// Rejects options that are known but not simulated, which must not look as if they had an effect.
ApiExpected<void> reject_unsupported(const Json& body) {
  for (const char* key : {"n", "best_of"}) {
    const Json& value = field(body, key);
    if (!value.is_null() && value != 1)
      return bad("'" + std::string(key) + "' must be 1: one completion per prompt", key);
  }
  if (const auto echo = flag(body, "echo"); !echo || *echo) return bad("'echo' is not simulated", "echo");
  return {};
}

ApiExpected<Generation> from_json(Endpoint endpoint, const Json& body, std::optional<std::uint32_t> extracted,
                                  std::string_view served) {
  const Json& model = field(body, "model");
  if (!model.is_null() && !model.is_string()) return bad("'model' must be a string", "model");
  if (model.is_string() && model.get_ref<const std::string&>() != served) {
    return tl::unexpected<ApiError>(
        ApiError{.status = 404,
                 .type = "not_found_error",
                 .message = "the model '" + printable(clipped(model.get_ref<const std::string&>(), 200)) +
                            "' does not exist: this server simulates '" + std::string(served) + "'",
                 .param = "model"});
  }
  Generation out;
  out.endpoint = endpoint;
  if (extracted && endpoint == Endpoint::Completions && field(body, "prompt").is_null()) {
    out.prompts = {*extracted};
  } else {
    SWEEP_ASSIGN(auto read, endpoint == Endpoint::Chat ? messages(body) : prompts(body));
    out.prompts = std::move(read);
  }
  SWEEP_ASSIGN(const auto tokens, requested_tokens(endpoint, body));
  out.max_tokens = tokens;
  SWEEP_ASSIGN(const auto stream, flag(body, "stream"));
  out.stream = stream;
  const Json& options = field(body, "stream_options");
  if (!options.is_null()) {
    if (!options.is_object()) return bad("'stream_options' must be an object", "stream_options");
    if (!out.stream) return bad("'stream_options' requires 'stream': true", "stream_options");
    SWEEP_ASSIGN(const auto usage, flag(options, "include_usage"));
    out.include_usage = usage;
  }
  if (const auto good = reject_unsupported(body); !good) return tl::unexpected(good.error());
  return out;
}

}  // namespace

std::uint32_t text_tokens(std::string_view text) {
  const std::size_t tokens = (text.size() + kTextBytesPerToken - 1) / kTextBytesPerToken;
  return static_cast<std::uint32_t>(std::max<std::size_t>(1, tokens));
}

ApiExpected<Generation> read_generation(Endpoint endpoint, std::string_view body, std::string_view served) {
  const auto extracted = extract_prompt_ids(body);
  const Json json = parse_json(extracted ? std::string_view(extracted->rest) : body);
  if (json.is_discarded()) return bad("the body is not valid JSON, or is nested too deeply");
  if (!json.is_object()) return bad("the body must be a JSON object");
  return from_json(endpoint, json, extracted ? std::optional(extracted->tokens) : std::nullopt, served);
}

}  // namespace sweep::sim_server
