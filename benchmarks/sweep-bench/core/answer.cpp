#include "benchmarks/sweep-bench/core/answer.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "benchmarks/sweep-bench/core/server_error.hpp"
#include "util/text.hpp"

namespace sweep::client {

namespace {

constexpr std::size_t kMaxError = 300, kMaxSample = 80;

std::string sample(std::string_view bytes) {
  return "'" + printable(clipped(bytes, kMaxSample)) + "'";
}

// Returns `text` with a blank in place of each run of blanks and line breaks.
std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool blank = c == ' ' || c == '\n' || c == '\r' || c == '\t';
    if (!blank) {
      out += c;
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
  }
  while (out.ends_with(' '))
    out.pop_back();
  return out;
}

bool is_done(std::string_view data) {
  return data == "[DONE]" || data == "[done]";
}

std::string sent_error(const std::string& words) {
  return words.empty() ? "the server sent an error without a message" : "the server sent an error: " + words;
}

// Returns the words for a finish_reason that is not a regular end.
std::string failed_end(std::string_view reason) {
  if (reason.starts_with('{')) return "the server ended the response: " + error_words(reason);
  return "the server ended the response with finish_reason '" + unescaped(reason) + "'";
}

}  // namespace

void set_failure(RequestRecord& record, Failure kind, std::string_view error) {
  record.failure = kind;
  record.error = printable(clipped(one_line(error), kMaxError));
}

AnswerReader::AnswerReader(RequestRecord& record, std::uint32_t max_tokens, bool details)
    : record_(record), max_chunks_(std::uint64_t{max_tokens} * 4 + 1024), details_(details) {}

bool AnswerReader::fail_with(Failure kind, const std::string& error) {
  set_failure(record_, kind, error);
  return false;
}

bool AnswerReader::head(std::string_view content_type, std::string_view content_encoding) {
  constexpr std::array<std::string_view, 6> kCompressed = {"gzip", "x-gzip", "deflate",
                                                           "br",   "zstd",   "compress"};
  content_type_ = one_line(clipped(content_type, kMaxSample));
  const std::string encoding = ascii_lower(std::string(trimmed(content_encoding)));
  if (std::find(kCompressed.begin(), kCompressed.end(), encoding) == kCompressed.end()) return true;
  return fail_with(Failure::Garbage, "the response has content-encoding " + encoding +
                                         ", which was not asked for and cannot be read; turn off compression "
                                         "in the server or in the proxy before it");
}

bool AnswerReader::body(std::string_view bytes, Nanos at) {
  const auto fed = events_.feed(
      bytes, [&](std::string_view name, std::string_view data) { return event(name, data, at); });
  if (record_.failure) return false;
  if (!fed) return fail_with(Failure::Garbage, fed.error().message);
  return true;
}

bool AnswerReader::event(std::string_view name, std::string_view data, Nanos at) {
  if (!name.empty() && is_error_event(name))
    return fail_with(Failure::Server, sent_error(data.empty() ? "" : error_words(data)));
  data = trimmed(data);
  if (data.empty()) return true;
  if (is_done(data)) {
    done_ = true;
    return true;
  }
  const auto chunk = read_chunk(data);
  if (chunk) return chunk_event(*chunk, data, at);
  if (const auto report = error_report(data)) return fail_with(Failure::Server, sent_error(*report));
  if (done_ || is_keep_alive_event(name)) return true;
  if (data.find("\n{") != std::string_view::npos)
    return fail_with(Failure::Garbage, "the events are not separated by empty lines: " + sample(data));
  return fail_with(Failure::Garbage, "an event is not a JSON object: " + sample(data));
}

bool AnswerReader::chunk_event(const Chunk& chunk, std::string_view data, Nanos at) {
  const bool result = chunk.choice || chunk.usage;
  if (!chunk.error.empty() && result && !means_no_error(chunk.error))
    return fail_with(Failure::Server, sent_error(error_words(data)));
  if (!result) {
    const auto report = error_report(data);
    return !report || fail_with(Failure::Server, sent_error(*report));
  }
  if (!chunk.failed_end.empty()) return fail_with(Failure::Server, failed_end(chunk.failed_end));
  if (done_) return true;
  if (chunk.prompt_tokens) record_.prompt_tokens = chunk.prompt_tokens;
  if (chunk.completion_tokens) record_.completion_tokens = chunk.completion_tokens;
  if (chunk.simulated) record_.simulated = true;
  if (chunk.finished) finished_ = true;
  final_usage_ = !chunk.choice && chunk.completion_tokens.value_or(0) > 0;
  return !chunk.choice || add_output(chunk, at);
}

bool AnswerReader::add_output(const Chunk& chunk, Nanos at) {
  if (!chunk.text.empty()) text_ = true;
  if (chunk.role && chunk.text.empty() && !chunk.finished && record_.chunks == 0) return true;

  if (record_.chunks == 0) {
    record_.first = at;
  } else {
    record_.gaps.push_back(static_cast<float>(static_cast<double>(at - record_.last) * 1e-9));
  }
  record_.last = at;
  if (++record_.chunks > max_chunks_)
    return fail_with(Failure::Garbage, std::to_string(record_.chunks) + " chunks, far more than requested");
  if (details_) keep_details(chunk);
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

/// Some servers report 0 tokens if they do not count them. Then the chunks are counted.
void AnswerReader::drop_empty_usage() {
  if (record_.completion_tokens == 0 && text_) record_.completion_tokens.reset();
  if (record_.prompt_tokens == 0) record_.prompt_tokens.reset();
}

/// Returns the words of an error that the server sent as a line or body of its own, without "data:".
std::optional<std::string> AnswerReader::error_outside_events() const {
  const std::string& text = events_.unknown_text();
  if (text.empty()) return std::nullopt;
  if (auto whole = error_report(text)) return whole;
  for (const std::string& line : split(text, '\n')) {
    if (auto report = error_report(line)) return report;
  }
  return std::nullopt;
}

std::string AnswerReader::not_events() const {
  const std::string text = sample(one_line(events_.unknown_text()));
  if (record_.chunks > 0)
    return "the response has " + counted(events_.unknown_lines(), "line") +
           " outside of its events, the first: " + text;
  const std::string type = content_type_.empty() ? "no content type" : "content type " + content_type_;
  const std::string hint =
      content_type_.starts_with("application/json") ? "; the server may have ignored \"stream\": true" : "";
  return "the response is not a stream of events (" + type + "): " + text + hint;
}

void AnswerReader::end(bool whole, Nanos at) {
  if (record_.failure) return;
  if (whole)
    static_cast<void>(
        events_.finish([&](std::string_view name, std::string_view data) { return event(name, data, at); }));
  if (record_.failure) return;
  drop_empty_usage();
  if (const auto words = error_outside_events())
    return set_failure(record_, Failure::Server, sent_error(*words));
  // A stream that is complete according to HTTP and has a finish_reason, or usage at its end, is whole even
  // without [DONE]. With lines outside of the events, [DONE] does not prove that nothing is missing.
  const bool ended = whole && (finished_ || final_usage_);
  const bool complete = ended || (done_ && (finished_ || final_usage_ || events_.unknown_lines() == 0));
  if (complete && record_.chunks > 0 && record_.completion_tokens.value_or(1) > 0) return;
  if (events_.unknown_lines() > 0 && !ended) {
    set_failure(record_, Failure::Garbage, not_events());
  } else if (complete || (whole && record_.chunks == 0)) {
    set_failure(record_, Failure::Empty, "the response has no output token");
  } else {
    set_failure(record_, Failure::Cut,
                std::string(whole ? "the response" : "the connection") + " ended after " +
                    counted(record_.chunks, "chunk") + " with output" +
                    (whole ? ", without [DONE], finish_reason or usage" : ""));
  }
}

}  // namespace sweep::client
