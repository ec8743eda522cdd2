#include "benchmarks/sweep-simserver/core/reply.hpp"

#include <array>
#include <charconv>

#include "benchmarks/sweep-simserver/core/words.hpp"
#include "util/json.hpp"

namespace sweep::sim_server {

namespace {

using OrderedJson = nlohmann::ordered_json;

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 413:
      return "Payload Too Large";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    default:
      return "Unknown";
  }
}

std::string text_of(const OrderedJson& json) {
  return json.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

Answer health(const Served& served) {
  if (!served.ready) return {503, text_of({{"status", "loading"}, {"simulated", true}}), ""};
  return {200, text_of({{"status", "ready"}, {"simulated", true}, {"simulates", served.description}}), ""};
}

Answer models(const Served& served) {
  OrderedJson model = {{"id", served.model},        {"object", "model"},
                       {"created", served.created}, {"owned_by", "sweep-simserver"},
                       {"root", served.model},      {"simulated", true}};
  if (served.max_model_len > 0) model["max_model_len"] = served.max_model_len;
  return {200, text_of({{"object", "list"}, {"data", OrderedJson::array({model})}, {"simulated", true}}), ""};
}

Answer nothing_to_flush(const Served&) {
  return {200,
          text_of({{"status", "ok"}, {"note", "there is no prefix cache to reset"}, {"simulated", true}}),
          ""};
}

Answer wrong_method(std::string_view method, std::string_view path, std::string allow) {
  Answer out = error_answer({.status = 405,
                             .message = "method " + std::string(method) + " is not allowed for " +
                                        std::string(path) + "; use " + allow,
                             .param = ""});
  out.allow = std::move(allow);
  return out;
}

struct FixedRoute {
  std::string_view path;
  bool get, post;
  bool before_loading;  // answered even before the model is loaded
  Answer (*answer)(const Served&);
};

constexpr std::array<FixedRoute, 4> kFixedRoutes = {
    {{"/health", true, false, true, health},
     {"/v1/models", true, false, false, models},
     {"/reset_prefix_cache", true, true, false, nothing_to_flush},
     {"/flush_cache", true, true, false, nothing_to_flush}}};

std::string allowed(bool get, bool post) {
  return get && post ? "GET, POST" : get ? "GET" : "POST";
}

Answer loading() {
  return error_answer(
      {.status = 503, .type = "service_unavailable", .message = "the model is still loading", .param = ""});
}

}  // namespace

std::variant<Answer, Endpoint> route(std::string_view method, std::string_view target, const Served& served) {
  const std::string_view path = target.substr(0, target.find('?'));
  for (const FixedRoute& one : kFixedRoutes) {
    if (path != one.path) continue;
    if (!((one.get && method == "GET") || (one.post && method == "POST")))
      return wrong_method(method, path, allowed(one.get, one.post));
    return served.ready || one.before_loading ? one.answer(served) : loading();
  }
  const bool completions = path == "/v1/completions", chat = path == "/v1/chat/completions";
  if (!completions && !chat) {
    return error_answer({.status = 404,
                         .type = "not_found_error",
                         .message = "unknown path; known paths are /health, /v1/models, /v1/completions, "
                                    "/v1/chat/completions, /reset_prefix_cache and /flush_cache",
                         .param = ""});
  }
  if (method != "POST") return wrong_method(method, path, "POST");
  if (!served.ready) return loading();
  return chat ? Endpoint::Chat : Endpoint::Completions;
}

Answer error_answer(const ApiError& error) {
  const OrderedJson param = error.param.empty() ? OrderedJson() : OrderedJson(error.param);
  const OrderedJson inner = {
      {"message", error.message}, {"type", error.type}, {"param", param}, {"code", error.status}};
  return {error.status, text_of({{"error", inner}, {"simulated", true}}), ""};
}

std::string response(const Answer& answer, bool close) {
  std::string out = "HTTP/1.1 " + std::to_string(answer.status) + " " +
                    std::string(reason_phrase(answer.status)) +
                    "\r\nServer: sweep-simserver\r\nX-Simulated: true\r\nContent-Type: application/json\r\n";
  if (!answer.allow.empty()) out += "Allow: " + answer.allow + "\r\n";
  if (close) out += "Connection: close\r\n";
  return out + "Content-Length: " + std::to_string(answer.body.size()) + "\r\n\r\n" + answer.body;
}

std::string stream_head(std::string_view content_type, bool chunked, bool close) {
  std::string out =
      "HTTP/1.1 200 OK\r\nServer: sweep-simserver\r\nX-Simulated: true\r\nCache-Control: no-cache\r\n";
  out += "Content-Type: " + std::string(content_type) + "\r\n";
  if (chunked) out += "Transfer-Encoding: chunked\r\n";
  if (close || !chunked) out += "Connection: close\r\n";
  return out + "\r\n";
}

std::string chunk(std::string_view bytes) {
  char length[16];
  const auto end = std::to_chars(length, length + sizeof length, bytes.size(), 16).ptr;
  return std::string(length, end) + "\r\n" + std::string(bytes) + "\r\n";
}

std::string whole_answer(const AnswerHead& head, std::size_t choices, std::uint32_t tokens,
                         const Usage& usage) {
  const bool chat = head.endpoint == Endpoint::Chat;
  OrderedJson list = OrderedJson::array();
  for (std::size_t choice = 0; choice < choices; ++choice) {
    std::string text;
    text.reserve(std::size_t{tokens} * kWordBytes);
    for (std::uint32_t i = 0; i < tokens; ++i)
      text += word(head.text_seed, choice, i);
    OrderedJson one = {{"index", choice}};
    if (chat) {
      one["message"] = {{"role", "assistant"}, {"content", std::move(text)}};
    } else {
      one["text"] = std::move(text);
    }
    one["logprobs"] = nullptr;
    one["finish_reason"] = "length";
    list.push_back(std::move(one));
  }
  const OrderedJson counts = {{"prompt_tokens", usage.prompt_tokens},
                              {"completion_tokens", usage.completion_tokens},
                              {"total_tokens", usage.prompt_tokens + usage.completion_tokens}};
  return text_of({{"id", (chat ? "chatcmpl-sim-" : "cmpl-sim-") + std::to_string(head.number)},
                  {"object", chat ? "chat.completion" : "text_completion"},
                  {"created", head.created},
                  {"model", head.model},
                  {"simulated", true},
                  {"choices", std::move(list)},
                  {"usage", counts}});
}

}  // namespace sweep::sim_server
