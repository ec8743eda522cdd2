#include "controller/agentic/validate.hpp"

#include <cmath>
#include <cstdio>
#include <optional>

#include "controller/agentic/artifacts.hpp"
#include "controller/power/paths.hpp"
#include "controller/power/power_files.hpp"
#include "controller/python/json_text.hpp"
#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep::agentic {

namespace {

using Json = nlohmann::ordered_json;

CommandLines refused(const std::string& message) {
  return {1, "", printable("ERROR: " + message) + "\n"};
}

// Returns the average of a metric; std::nullopt if the summary does not have it.
Expected<std::optional<double>> average(const Json& summary, const std::string& name) {
  const auto metric = summary.find(name);
  if (metric == summary.end() || metric->is_null()) return std::nullopt;
  if (!metric->is_object())
    return fail(name + " must be an object, but it is " + clipped(python::json_text(*metric, -1), 60));
  const auto value = metric->find("avg");
  if (value == metric->end() || value->is_null()) return std::nullopt;
  if (!value->is_number())
    return fail(name + ".avg must be numeric, but it is " + clipped(python::json_text(*value, -1), 60));
  const double number = value->get<double>();
  if (!std::isfinite(number) || number < 0)
    return fail(name + ".avg must be a finite non-negative number, but it is " +
                clipped(python::json_text(*value, -1), 60));
  return number;
}

struct Counts {
  double errors = 0, completed = 0;
};

// Returns the counts; an error for values that are not numbers. `missing`: request_count is not there.
Expected<Counts> counts_of(const Json& summary, bool& missing) {
  SWEEP_ASSIGN(const std::optional<double> successes, average(summary, "request_count"));
  SWEEP_ASSIGN(const std::optional<double> errors, average(summary, "error_request_count"));
  SWEEP_ASSIGN(const std::optional<double> completed, average(summary, "completed_request_count"));
  missing = !successes;
  const double failed = errors.value_or(0);
  return Counts{failed, completed.value_or(successes.value_or(0) + failed)};
}

std::string rate_text(const Counts& counts, const char* relation, double threshold) {
  char buffer[400];
  std::snprintf(buffer, sizeof buffer, "%g/%g = %.3f%% %s %.3f%%", counts.errors, counts.completed,
                counts.errors / counts.completed * 100, relation, threshold * 100);
  return buffer;
}

}  // namespace

CommandLines judge_summary(const Json& summary, const std::string& path, double threshold) {
  if (!summary.is_object()) return refused(path + " must contain a JSON object");
  bool missing = false;
  const auto counts = counts_of(summary, missing);
  if (!counts) return refused("failed to read " + path + ": " + counts.error().message);
  if (missing) return refused("request_count.avg is missing in " + path);
  if (counts->completed <= 0) return refused("aiperf completed zero requests (" + path + ")");
  if (counts->errors / counts->completed > threshold)
    return refused("aiperf request error rate exceeded the benchmark limit: " +
                   rate_text(*counts, ">", threshold));
  return {0, "Validated aiperf request error rate: " + rate_text(*counts, "<=", threshold) + "\n", ""};
}

CommandLines validate_agentic(const std::string& folder, double threshold) {
  constexpr const char* kName = "profile_export_aiperf.json";
  const std::string path = power::below(folder_with(power::python_path(folder), kName), kName);
  if (!power::is_file(path)) return refused(path + " not found; give the folder that aiperf wrote");
  const auto summary = power::read_json_document(path);
  if (!summary) return refused("failed to read " + path + ": " + summary.error().message);
  return judge_summary(*summary, path, threshold);
}

}  // namespace sweep::agentic
