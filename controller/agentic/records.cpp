#include "controller/agentic/records.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "controller/python/json_read.hpp"
#include "controller/python/repr.hpp"
#include "controller/python/value.hpp"
#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep::agentic {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kShownProblems = 3;
constexpr std::size_t kCategoryCharacters = 120;
constexpr std::string_view kBlanks = " \t\n\r\f\v";

const Json& at(const Json& object, const char* key) {
  static const Json kNone;
  const Json* found = python::member(object, key);
  return found == nullptr ? kNone : *found;
}

// Returns the value of a metric, which may stand alone or in an object with its unit.
const Json& metric(const Json& record, const char* name) {
  const Json& value = at(at(record, "metrics"), name);
  return value.is_object() ? at(value, "value") : value;
}

void keep_time(const Json& milliseconds, std::vector<double>& seconds) {
  const auto value = python::float_of(milliseconds);
  if (value && std::isfinite(*value) && *value > 0) seconds.push_back(*value / 1000.0);
}

void keep_count(const Json& value, std::vector<std::int64_t>& counts) {
  if (const auto count = python::int_of(value)) counts.push_back(*count);
}

void keep_if_true(const Json& value, std::vector<std::int64_t>& times) {
  if (python::truth_of(value)) keep_count(value, times);
}

std::string first_characters(std::string_view text, std::size_t count) {
  std::size_t end = 0;
  for (std::size_t seen = 0; end < text.size(); ++end) {
    const bool begins = (static_cast<unsigned char>(text[end]) & 0xc0) != 0x80;
    if (begins && seen++ == count) break;
  }
  return std::string(text.substr(0, end));
}

// Returns str(value).
std::string text_of(const Json& value) {
  return value.is_structured() ? python::repr_of(value) : python::str_of(value);
}

std::string message_category(const Json& message) {
  if (!python::truth_of(message)) return "unknown";
  const std::string text = text_of(message);
  std::string_view line = trimmed(text, kBlanks);
  line = line.substr(0, line.find_first_of("\n\r\v\f\x1c\x1d\x1e"));
  line = line.substr(0, line.find(':'));
  return line.empty() ? "unknown" : first_characters(line, kCategoryCharacters);
}

}  // namespace

std::string error_category(const Json& error) {
  if (!error.is_object()) return message_category(error);
  for (const char* key : {"type", "error_type", "code", "class", "status"}) {
    const Json& value = at(error, key);
    if (!value.is_null() && value != Json("")) return text_of(value);
  }
  const Json& message = at(error, "message");
  return message_category(python::truth_of(message) ? message : at(error, "error"));
}

std::int64_t Records::input_total() const {
  return std::accumulate(input_tokens.begin(), input_tokens.end(), std::int64_t{0});
}

std::int64_t Records::output_total() const {
  return std::accumulate(output_tokens.begin(), output_tokens.end(), std::int64_t{0});
}

Json Records::accounting() const {
  Json categories = Json::object();
  for (const auto& [category, count] : error_categories)
    categories[category] = count;
  Json out{{"records_total", total},
           {"records_profiled", usable},
           {"records_dropped_total", total - usable},
           {"records_warmup_dropped", warmup},
           {"records_error_dropped", failed},
           {"error_categories", categories}};
  if (broken > 0) out["records_broken"] = broken;
  return out;
}

void RecordReader::take(std::string_view line, std::size_t number) {
  line = trimmed(line, kBlanks);
  if (line.empty()) return;
  ++records_.total;
  const auto record = python::read_json(line);
  if (record && record->is_object()) return take_record(*record);
  ++records_.broken;
  if (records_.problems.size() < kShownProblems)
    records_.problems.push_back(std::to_string(number) + ": " +
                                (record ? "not a JSON object" : "not JSON: " + record.error().message));
}

void RecordReader::take_record(const Json& record) {
  const Json& phase = at(at(record, "metadata"), "benchmark_phase");
  const bool warmup = !phase.is_null() && phase != Json("profiling");
  const Json& error = at(record, "error");
  const bool failed = python::truth_of(error);
  if (warmup) ++records_.warmup;
  if (failed) count_error(error);
  if (!warmup && !failed) keep(record);
}

void RecordReader::count_error(const Json& error) {
  ++records_.failed;
  const std::string category = error_category(error);
  auto& all = records_.error_categories;
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& entry) { return entry.first == category; });
  if (found == all.end()) {
    all.emplace_back(category, 1);
  } else {
    ++found->second;
  }
}

void RecordReader::keep(const Json& record) {
  ++records_.usable;
  keep_time(metric(record, "time_to_first_token"), records_.ttft);
  keep_time(metric(record, "request_latency"), records_.e2el);
  keep_time(metric(record, "inter_token_latency"), records_.itl);
  keep_time(metric(record, "full_response_inter_token_latency"), records_.full_response_itl);
  keep_count(metric(record, "input_sequence_length"), records_.input_tokens);
  keep_count(metric(record, "output_sequence_length"), records_.output_tokens);
  const auto latency = python::float_of(metric(record, "request_latency"));
  const auto length = python::float_of(metric(record, "output_sequence_length"));
  if (latency && length && std::isfinite(*latency) && std::isfinite(*length) && *latency > 0 && *length > 0)
    records_.e2el_per_token.push_back(*latency / 1000.0 / *length);
  const Json& metadata = at(record, "metadata");
  keep_if_true(at(metadata, "request_start_ns"), records_.starts);
  keep_if_true(at(metadata, "request_end_ns"), records_.ends);
  keep_turn(metadata);
}

void RecordReader::keep_turn(const Json& metadata) {
  const Json& conversation = at(metadata, "conversation_id");
  const auto index = python::int_of(at(metadata, "turn_index"));
  if (!conversation.is_string() || !index || *index < 0) return;
  // aiperf appends ::sa:AGENT to the id of the trace.
  const std::string& id = conversation.get_ref<const std::string&>();
  if (id.empty()) return;
  const std::string_view trace = std::string_view(id).substr(0, id.find("::"));
  auto found = trace_index_.find(trace);
  if (found == trace_index_.end()) {
    found = trace_index_.emplace(std::string(trace), records_.traces.size()).first;
    records_.traces.emplace_back(trace);
  }
  records_.turns.push_back({found->second, *index});
}

}  // namespace sweep::agentic
