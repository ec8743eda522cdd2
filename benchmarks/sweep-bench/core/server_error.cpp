#include "benchmarks/sweep-bench/core/server_error.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep::client {

namespace {

using Json = nlohmann::ordered_json;

template <std::size_t kSize>
bool is_one_of(const std::array<std::string_view, kSize>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool is_empty(const Json& value) {
  if (value.is_null() || value == false || value == 0) return true;
  if (value.is_string()) return value.get_ref<const std::string&>().empty();
  return value.is_structured() && std::all_of(value.begin(), value.end(), is_empty);
}

// Returns the member of that name; JSON null if the object does not have it.
const Json& member(const Json& object, const char* name) {
  static const Json kNone;
  const auto found = object.find(name);
  return found == object.end() ? kNone : *found;
}

std::string one_line_json(const Json& value) {
  return value.is_string() ? value.get<std::string>()
                           : value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// Returns " (TYPE, CODE)" of an error object, or "".
std::string details(const Json& object) {
  std::vector<std::string> out;
  for (const char* name : {"type", "error_type", "code", "error_code", "status"}) {
    const Json& value = member(object, name);
    const bool text = value.is_string() && value != "error";
    if (!is_empty(value) && (text || value.is_number())) out.push_back(one_line_json(value));
  }
  return out.empty() ? "" : " (" + join(out, ", ") + ")";
}

constexpr std::array<const char*, 9> kMessages = {"message",   "error_message", "errorMessage",
                                                  "error_msg", "detail",        "msg",
                                                  "reason",    "description",   "exception"};

// Returns the words of an error object; empty if it has none.
std::string words_of(const Json& value) {
  if (is_empty(value)) return {};
  if (value.is_string()) return value.get<std::string>();
  if (value.is_array()) return words_of(value.front());
  if (!value.is_object()) return {};
  for (const char* name : {"error", "errors", "err"}) {
    const std::string inner = words_of(member(value, name));
    if (!inner.empty()) return inner + (member(value, name).is_string() ? details(value) : "");
  }
  for (const char* name : kMessages) {
    const Json& found = member(value, name);
    if (!is_empty(found))
      return (found.is_structured() ? one_line_json(found) : words_of(found)) + details(value);
  }
  return one_line_json(value);
}

bool is_error_code(const Json& value) {
  constexpr int kFirst = 400, kLast = 599;
  return value.is_number_integer() && value >= kFirst && value <= kLast;
}

bool reports_error(const Json& object) {
  const Json& error = member(object, "error");
  // Beside choices, an empty error is how some servers report that there is none.
  if (!is_empty(error) || (!error.is_null() && error != false && !object.contains("choices"))) return true;
  for (const char* name : {"object", "type", "status"}) {
    const Json& value = member(object, name);
    if (value == "error" || value == "failed") return true;
  }
  for (const char* name :
       {"errors", "err", "error_message", "errorMessage", "error_msg", "detail", "exception"}) {
    if (!is_empty(member(object, name))) return true;
  }
  for (const char* name : {"code", "error_code", "status", "status_code", "statusCode"}) {
    if (is_error_code(member(object, name))) return true;
  }
  return member(object, "success") == false;
}

}  // namespace

bool means_no_error(std::string_view json) {
  constexpr std::array<std::string_view, 6> kUsual = {"null", "false", "\"\"", "{}", "[]", "0"};
  if (is_one_of(kUsual, json)) return true;
  const Json value = Json::parse(json, nullptr, false);
  return !value.is_discarded() && is_empty(value);
}

std::string error_words(std::string_view text) {
  const Json value = Json::parse(text, nullptr, false);
  const std::string words = value.is_discarded() ? "" : words_of(value);
  return words.empty() ? std::string(text) : words;
}

std::optional<std::string> error_report(std::string_view json) {
  const Json value = Json::parse(json, nullptr, false);
  if (value.is_array() && !value.empty() && value.front().is_object() && reports_error(value.front()))
    return words_of(value.front());
  if (!value.is_object() || !reports_error(value)) return std::nullopt;
  return words_of(value);
}

bool is_regular_end(std::string_view finish_reason) {
  // OpenAI's API; then Anthropic's and Google's words, TGI's, TensorRT-LLM's, Mistral's and vLLM's own.
  constexpr std::array<std::string_view, 16> kRegular = {
      "stop",      "length",     "tool_calls",    "function_call", "content_filter", "end_turn",
      "tool_use",  "max_tokens", "stop_sequence", "eos",           "eos_token",      "end_id",
      "stop_word", "stop_words", "model_length",  "repetition"};
  return is_one_of(kRegular, finish_reason) || is_one_of(kRegular, ascii_lower(std::string(finish_reason)));
}

bool is_error_event(std::string_view name) {
  const std::string lower = ascii_lower(std::string(name));
  constexpr std::array<std::string_view, 5> kErrors = {"exception", "abort", "aborted", "cancelled", "fatal"};
  return lower.find("error") != std::string::npos || lower.ends_with("failed") || is_one_of(kErrors, lower);
}

bool is_keep_alive_event(std::string_view name) {
  constexpr std::array<std::string_view, 5> kKeepAlive = {"ping", "heartbeat", "keepalive", "keep-alive",
                                                          "keep_alive"};
  return is_one_of(kKeepAlive, ascii_lower(std::string(name)));
}

}  // namespace sweep::client
