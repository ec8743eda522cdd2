// The requests of an aiperf run (profile_export.jsonl), one line each. Pure. Of each request only the values are
// kept that the result needs, so that a run of 100,000 requests takes a few megabytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sweep::agentic {

/// The turn of a recorded conversation that a request replays.
struct Turn {
  std::size_t trace = 0;  // in Records::traces
  std::int64_t index = 0;
};

struct Records {
  // Lines that are requests. Warm-up and failed ones are dropped; a failed warm-up request counts as both.
  std::size_t total = 0, warmup = 0, failed = 0, broken = 0;
  std::vector<std::pair<std::string, std::size_t>> error_categories;  // in order of appearance
  std::vector<std::string> problems;  // of broken lines: "7: …", the first ones
  std::size_t usable = 0;

  // Of usable requests, as far as they have the value; times in seconds and above 0.
  std::vector<double> ttft, e2el, itl, full_response_itl;
  std::vector<double> e2el_per_token;  // end-to-end latency divided by the output's length
  std::vector<std::int64_t> input_tokens, output_tokens;
  std::vector<std::int64_t> starts, ends;  // nanoseconds since 1970
  std::vector<std::string> traces;
  std::vector<Turn> turns;

  std::int64_t input_total() const;
  std::int64_t output_total() const;
  /// Returns the result's request_accounting. Broken lines are in it only if there are any.
  nlohmann::ordered_json accounting() const;
};

class RecordReader {
 public:
  /// Takes the next line of the file. Blank lines do not count. A line that is not a JSON object is broken: it
  /// counts as a request without a result.
  void take(std::string_view line, std::size_t number);
  const Records& records() const { return records_; }
  Records finish() { return std::move(records_); }

 private:
  void take_record(const nlohmann::ordered_json& record);
  void count_error(const nlohmann::ordered_json& error);
  void keep(const nlohmann::ordered_json& record);
  void keep_turn(const nlohmann::ordered_json& metadata);

  Records records_;
  std::map<std::string, std::size_t, std::less<>> trace_index_;
};

/// Returns the category of a request's error: the first of its type, error_type, code, class and status, else
/// the beginning of its message; "unknown" if it has neither.
std::string error_category(const nlohmann::ordered_json& error);

}  // namespace sweep::agentic
