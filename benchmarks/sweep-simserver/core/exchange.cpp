#include "benchmarks/sweep-simserver/core/exchange.hpp"

#include <numeric>

namespace sweep::sim_server {

namespace {

// Bytes that are not an event, not JSON and not UTF-8.
constexpr std::string_view kGarbage("\x00\xff\xfe}]{\"\x80\x81 garbage \xc3\x28\r\r\x1b[31m\x07]]\0", 31);
constexpr std::string_view kHalf =
    "data: {\"id\":\"cmpl-sim\",\"object\":\"text_completion\",\"simulated\":true,"
    "\"choices\":[{\"index\":0,\"te\n\n";
constexpr std::size_t kEndlessBytes = 16384;

// Returns a response head with a Content-Length of `length`, followed by `body`, which may be shorter.
std::string response_with_length(std::string_view body, std::size_t length, bool close) {
  std::string out =
      "HTTP/1.1 200 OK\r\nServer: sweep-simserver\r\nX-Simulated: true\r\nContent-Type: application/json\r\n";
  if (close) out += "Connection: close\r\n";
  return out + "Content-Length: " + std::to_string(length) + "\r\n\r\n" + std::string(body);
}

}  // namespace

Exchange::Exchange(Plan plan)
    : plan_(std::move(plan)),
      events_(plan_.head, plan_.chunked, plan_.received_ns),
      fault_at_(plan_.generation.max_tokens / 2) {}

Usage Exchange::usage() const {
  const auto& prompts = plan_.generation.prompts;
  return {.prompt_tokens = std::accumulate(prompts.begin(), prompts.end(), std::uint64_t{0}),
          .completion_tokens = std::uint64_t{plan_.generation.max_tokens} * prompts.size()};
}

std::string Exchange::body() const {
  return whole_answer(plan_.head, plan_.generation.prompts.size(), plan_.generation.max_tokens, usage());
}

void Exchange::begin(std::string& out) {
  if (plan_.fault == Fault::Error) {
    out += response(error_answer({.status = 500,
                                  .type = "internal_server_error",
                                  .message = "simulated failure (--fault error)",
                                  .param = ""}),
                    plan_.close);
    state_ = State::Done;
  } else if (plan_.fault == Fault::Empty) {
    if (plan_.generation.stream) {
      begin_response(out);
      events_.end(out);
    } else {
      out += response_with_length("", 0, plan_.close);
    }
    state_ = State::Done;
  }
}

void Exchange::begin_response(std::string& out) {
  if (begun_) return;
  begun_ = true;
  if (plan_.generation.stream)
    out += stream_head("text/event-stream; charset=utf-8", plan_.chunked, plan_.close);
}

void Exchange::token(std::string& out, std::size_t choice, std::uint32_t index, bool last,
                     std::int64_t stamp_ns) {
  if (state_ != State::Going) return;
  begin_response(out);
  if (plan_.fault != Fault::None && choice == 0 && index == fault_at_) return fail_now(out);
  if (plan_.generation.stream) events_.token(out, choice, index, last, stamp_ns);
  if (last && ++ended_ == plan_.generation.prompts.size()) finish(out, stamp_ns);
}

void Exchange::burst(std::string& out, std::size_t min_bytes, std::int64_t stamp_ns) {
  while (state_ == State::Going && out.size() < min_bytes) {
    const bool last = burst_index_ + 1 == plan_.generation.max_tokens;
    token(out, burst_choice_, burst_index_, last, stamp_ns);
    burst_index_ = last ? 0 : burst_index_ + 1;
    burst_choice_ += last ? 1 : 0;
  }
}

void Exchange::finish(std::string& out, std::int64_t stamp_ns) {
  state_ = State::Done;
  if (!plan_.generation.stream) {
    out += response({.status = 200, .body = body(), .allow = ""}, plan_.close);
    return;
  }
  if (plan_.generation.include_usage) events_.usage(out, usage(), stamp_ns);
  events_.done(out);
}

void Exchange::fail_now(std::string& out) {
  if (plan_.generation.stream) {
    fail_stream(out);
  } else {
    fail_whole(out);
  }
}

void Exchange::fail_stream(std::string& out) {
  switch (plan_.fault) {
    case Fault::Stall:
      state_ = State::Stalled;
      return;
    case Fault::Cut:
      state_ = State::Cut;
      return;
    case Fault::EndlessLine:
      state_ = State::Endless;
      events_.raw(out, "data: {\"id\":\"");
      return;
    case Fault::Garbage:
      events_.raw(out, kGarbage);
      break;
    case Fault::HalfJson:
      events_.raw(out, kHalf);
      break;
    default:
      break;
  }
  events_.end(out);
  state_ = State::Done;
}

void Exchange::fail_whole(std::string& out) {
  const std::string whole = body();
  const std::string_view half = std::string_view(whole).substr(0, whole.size() / 2);
  state_ = State::Done;
  switch (plan_.fault) {
    case Fault::Stall:
      state_ = State::Stalled;
      return;
    case Fault::Cut:
      out += response_with_length(half, whole.size(), plan_.close);
      state_ = State::Cut;
      return;
    case Fault::EndlessLine:
      out += stream_head("application/json", plan_.chunked, plan_.close);
      events_.raw(out, "{\"id\":\"");
      state_ = State::Endless;
      return;
    case Fault::Garbage:
      out += response_with_length(kGarbage, kGarbage.size(), plan_.close);
      return;
    case Fault::HalfJson:
      out += response_with_length(half, half.size(), plan_.close);
      return;
    default:
      return;
  }
}

void Exchange::endless(std::string& out) const {
  events_.raw(out, std::string(kEndlessBytes, 'x'));
}

}  // namespace sweep::sim_server
