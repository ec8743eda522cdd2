#include "benchmarks/sweep-bench/core/answer.hpp"

#include <string>

#include "util/text.hpp"

namespace sweep::client {

namespace {

constexpr std::size_t kMaxError = 300, kMaxSample = 80;

std::string sample(std::string_view bytes) {
  return "'" + printable(clipped(bytes, kMaxSample)) + "'";
}

}  // namespace

void set_failure(RequestRecord& record, Failure kind, std::string_view error) {
  record.failure = kind;
  record.error = printable(clipped(error, kMaxError));
}

AnswerReader::AnswerReader(RequestRecord& record, std::uint32_t max_tokens, bool details)
    : record_(record), max_chunks_(std::uint64_t{max_tokens} * 4 + 1024), details_(details) {}

bool AnswerReader::fail_with(Failure kind, const std::string& error) {
  set_failure(record_, kind, error);
  return false;
}

bool AnswerReader::body(std::string_view bytes, Nanos at) {
  const auto fed = events_.feed(bytes, [&](std::string_view data) { return event(data, at); });
  if (record_.failure) return false;
  if (!fed) return fail_with(Failure::Garbage, fed.error().message);
  return true;
}

bool AnswerReader::event(std::string_view data, Nanos at) {
  if (done_ || data.empty()) return true;
  if (data == "[DONE]") {
    done_ = true;
    return true;
  }
  const auto chunk = read_chunk(data);
  if (!chunk) return fail_with(Failure::Garbage, "an event is not a JSON object: " + sample(data));
  if (!chunk->error.empty())
    return fail_with(Failure::Server, "the server sent an error: " + std::string(chunk->error));
  if (chunk->prompt_tokens) record_.prompt_tokens = chunk->prompt_tokens;
  if (chunk->completion_tokens) record_.completion_tokens = chunk->completion_tokens;
  if (chunk->simulated) record_.simulated = true;
  if (chunk->finished) finished_ = true;
  if (!chunk->choice) return true;
  if (chunk->role && chunk->text.empty() && !chunk->finished && record_.chunks == 0) return true;

  if (record_.chunks == 0) {
    record_.first = at;
  } else {
    record_.gaps.push_back(static_cast<float>(static_cast<double>(at - record_.last) * 1e-9));
  }
  record_.last = at;
  if (++record_.chunks > max_chunks_)
    return fail_with(Failure::Garbage, std::to_string(record_.chunks) + " chunks, far more than requested");
  if (details_) keep_details(*chunk);
  return true;
}

void AnswerReader::keep_details(const Chunk& chunk) {
  constexpr double kNano = 1e-9;
  record_.text += unescaped(chunk.text);
  if (!chunk.stamp_ns) return;
  if (record_.last_stamp) {
    record_.server_gaps.push_back(
        static_cast<float>(static_cast<double>(*chunk.stamp_ns - *record_.last_stamp) * kNano));
  } else if (chunk.received_ns) {
    record_.server_ttft = static_cast<double>(*chunk.stamp_ns - *chunk.received_ns) * kNano;
  }
  record_.last_stamp = chunk.stamp_ns;
}

void AnswerReader::end(bool whole, Nanos at) {
  if (record_.failure) return;
  if (whole) static_cast<void>(events_.finish([&](std::string_view data) { return event(data, at); }));
  if (record_.failure) return;
  // A stream that is complete according to HTTP and has a finish_reason or usage is whole even without
  // [DONE].
  const bool complete = done_ || (whole && (finished_ || record_.completion_tokens));
  if (complete && record_.chunks > 0 && record_.completion_tokens.value_or(1) > 0) return;
  if (events_.unknown_lines() > 0 && !done_) {
    set_failure(
        record_, Failure::Garbage,
        "the response has " + counted(events_.unknown_lines(), "line") + " that are not server-sent events");
  } else if (complete || (whole && record_.chunks == 0)) {
    set_failure(record_, Failure::Empty, "the response has no output token");
  } else {
    set_failure(record_, Failure::Cut,
                "the connection ended after " + counted(record_.chunks, "chunk") + " with output");
  }
}

}  // namespace sweep::client
