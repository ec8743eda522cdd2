#include "controller/agentic/power_window.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "controller/power/gpu_stream.hpp"
#include "controller/power/timestamp.hpp"
#include "controller/python/json_text.hpp"
#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep::agentic {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kZoneFile = "agentic_power_timezone_offset.txt";

PowerWindow refused(const char* reason, const std::string& note) {
  return {nullptr, reason, note};
}

Json value_at(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() ? Json() : *found;
}

std::string shown(const Json& value) {
  return printable(clipped(python::json_text(value, -1), 60));
}

std::optional<power::WallTime> wall_time(const Json& value) {
  if (!value.is_string()) return std::nullopt;
  return power::iso_time(power::stripped(value.get_ref<const std::string&>()));
}

// Returns seconds since 1970; std::nullopt if the value is no time. `offset`: of times without a zone.
std::optional<double> seconds_of(const Json& value, std::int64_t offset) {
  if (value.is_number()) {
    const double seconds = value.get<double>();
    return std::isfinite(seconds) ? std::optional(seconds) : std::nullopt;
  }
  auto time = wall_time(value);
  if (!time) return std::nullopt;
  if (!time->offset) time->offset = offset;
  return power::unix_time(*time, nullptr);
}

bool needs_zone(const Json& value) {
  const auto time = wall_time(value);
  return time && !time->offset;
}

bool complete(const std::vector<std::int64_t>& counts, std::size_t requests, std::int64_t total) {
  return counts.size() == requests && total > 0 &&
         std::all_of(counts.begin(), counts.end(), [](std::int64_t count) { return count >= 0; });
}

}  // namespace

PowerWindow power_window(const Json& summary, const Records& records,
                         const std::optional<std::string>& zone) {
  const Json start_value = value_at(summary, "start_time"), end_value = value_at(summary, "end_time");
  if (start_value.is_null() || end_value.is_null())
    return refused("profile_window_missing", std::string(start_value.is_null() ? "start_time" : "end_time") +
                                                 " is missing in profile_export_aiperf.json");
  std::int64_t offset = 0;
  if (needs_zone(start_value) || needs_zone(end_value)) {
    if (!zone)
      return refused("profile_timezone_offset_missing",
                     "start_time " + shown(start_value) + " has no zone, and there is no " + kZoneFile +
                         "; write the offset of the machine that ran aiperf into it, such as +0900");
    const auto read = power::utc_offset(power::stripped(*zone));
    if (!read)
      return refused("profile_timezone_offset_invalid", std::string(kZoneFile) + " has " +
                                                            shown(Json(*zone)) +
                                                            ", expected an offset such as +0900 or +09:00");
    offset = *read;
  }
  const auto start = seconds_of(start_value, offset), end = seconds_of(end_value, offset);
  if (!start || !end || *end <= *start)
    return refused("profile_window_invalid",
                   "start_time is " + shown(start_value) + " and end_time is " + shown(end_value));
  if (records.usable == 0)
    return refused("successful_request_count_invalid",
                   "no request of profile_export.jsonl succeeded; check server.log");
  const std::int64_t input = records.input_total(), output = records.output_total();
  if (!complete(records.input_tokens, records.usable, input) ||
      !complete(records.output_tokens, records.usable, output))
    return refused("incomplete_token_accounting",
                   counted(records.usable, "request") + ", but " +
                       counted(records.input_tokens.size(), "input length") + " and " +
                       counted(records.output_tokens.size(), "output length") + " in profile_export.jsonl");
  PowerWindow out;
  out.json = Json{{"benchmark_start_time_unix", *start}, {"benchmark_end_time_unix", *end},
                  {"duration", *end - *start},           {"completed", records.usable},
                  {"total_input_tokens", input},         {"total_output_tokens", output}};
  return out;
}

}  // namespace sweep::agentic
