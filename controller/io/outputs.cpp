#include "controller/io/outputs.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <tuple>

#include "controller/io/point_record.hpp"
#include "controller/matrix/inferencemax/expand.hpp"
#include "controller/plan/hardware.hpp"
#include "controller/python/json_text.hpp"
#include "controller/python/number.hpp"
#include "controller/report/client_result.hpp"
#include "controller/report/process_result.hpp"
#include "controller/report/repeats.hpp"
#include "controller/report/result_environment.hpp"
#include "controller/report/validity.hpp"
#include "controller/view/provenance.hpp"
#include "controller/view/records.hpp"
#include "controller/view/scores.hpp"
#include "proto/base/inferencex_entry.hpp"
#include "util/json.hpp"
#include "util/os/beneath.hpp"

namespace sweep {

namespace {

constexpr unsigned kFileMode = 0644;

/// Returns the path of a client's result in the output directory.
std::string raw_name(const std::string& result_filename) {
  return "raw/" + result_filename + ".json";
}

/// Returns the value of the last entry of that name.
std::optional<std::string> variable(const std::vector<std::pair<std::string, std::string>>& environment,
                                    const char* name) {
  const auto last = std::find_if(environment.rbegin(), environment.rend(),
                                 [&](const auto& entry) { return entry.first == name; });
  return last == environment.rend() ? std::nullopt : std::optional(last->second);
}

/// Returns the benchmark's RANDOM_RANGE_RATIO: `planned` by the profile, else that of the agent's
/// environment, else the default.
double range_ratio(const std::optional<std::string>& planned, const Account& account) {
  const std::string text = planned.value_or(account.range_ratio.str());
  const auto number = python::parse_float(text);
  return number && std::isfinite(*number) ? *number : report::RequestedLoad{}.range_ratio;
}

/// Writes the file unless it already has these bytes, as most files do at the end of a sweep.
Expected<void> write_if_different(const std::string& directory, const std::string& name,
                                  std::string_view bytes, Sync sync) {
  const auto present = read_file(directory + "/" + name, bytes.size());
  if (present && *present == bytes) return {};
  return write_beneath(directory, name, bytes, kFileMode, sync);
}

/// Marks the record of a copy of a point with the point that it repeats.
void mark_copy(nlohmann::ordered_json& record, const Plan& plan, int index) {
  const int first = plan.first_copy[static_cast<std::size_t>(index)];
  if (first < 0) return;
  const int copy = plan.points[static_cast<std::size_t>(index)].repeat;
  report::mark_repeat(record, plan.points[static_cast<std::size_t>(first)].id, copy + 1);
}

/// Returns the load that a point asks for.
report::RequestedLoad requested_load(const Point& point, double range_ratio) {
  return {point.isl, range_ratio, point.osl, point.conc, point.model};
}

Expected<Processed> processed_agentic(const Plan& plan, int index, std::string_view raw) {
  SWEEP_ASSIGN(auto record, agentic_record(raw));
  Processed out{std::move(record), 0, report::RequestedLoad{}.range_ratio, {}, {}};
  const Point& point = plan.points[static_cast<std::size_t>(index)];
  out.doubts = report::agentic_doubts(out.document, requested_load(point, out.range_ratio));
  mark_copy(out.document, plan, index);
  return out;
}

}  // namespace

Expected<Processed> processed(const Plan& plan, int index, const std::string& node, const Account& account,
                              std::string_view raw) {
  const Point& point = plan.points[static_cast<std::size_t>(index)];
  if (point.inferencex && point.inferencex->agentic) return processed_agentic(plan, index, raw);
  SWEEP_ASSIGN(const auto whole, report::check_result(raw));
  // The variables that the benchmark had, so that process-result run by hand gives the same.
  const auto environment = benchmark_environment(plan, index, node);
  const auto lookup = [&](const char* name) { return variable(environment, name); };
  SWEEP_ASSIGN(auto document, point.inferencex
                                  ? fixed_length_record(point, whole)
                                  : report::process_checked(report::result_context(lookup), whole));
  Processed out{std::move(document),
                0,
                range_ratio(lookup("RANDOM_RANGE_RATIO"), account),
                report::missing_statistics(whole),
                {}};
  mark_copy(out.document, plan, index);
  const auto tokens = whole.find("total_output_tokens");
  if (tokens != whole.end() && tokens->is_number_integer()) out.output_tokens = tokens->get<std::int64_t>();
  out.doubts = report::doubts(whole, requested_load(point, out.range_ratio), {});
  return out;
}

std::vector<std::string> reasons_against(const Processed& result, const Account& account, const Plan& plan) {
  std::vector<std::string> all = result.doubts;
  all.insert(all.end(), account.flaws.begin(), account.flaws.end());
  return report::without(std::move(all), plan.profile.doubts_ignored);
}

void complete_record(Processed& result, const Plan& plan, const core::State& state, const view::Facts& facts,
                     const core::AttemptRef& ref) {
  const core::Attempt* attempt = core::find_attempt(state, ref);
  if (attempt == nullptr) return;
  const Point& point = plan.points[static_cast<std::size_t>(core::find_point(state, ref.point))];
  result.document["schema_version"] = view::kRecordVersion;
  result.document["exp_name"] = point.exp_name;
  const bool agentic = point.inferencex && point.inferencex->agentic;
  result.document["scenario"] = agentic ? kAgenticScenario : matrix::lengths_name(point.isl, point.osl);
  result.document["isl"] = point.isl;
  result.document["osl"] = point.osl;
  result.document["random_range_ratio"] = result.range_ratio;
  result.document["sweep"] = facts.sweep;
  result.document["point"] = point.id;
  result.document["attempt"] = ref.attempt;
  result.document["hw_from"] = hardware_source(plan, state, ref);
  report::mark_validity(result.document, attempt->invalid);
  if (!attempt->account.scores.empty()) result.document["evals"] = view::scores_json(attempt->account.scores);
  view::describe_result(result.document, plan, state, facts, ref, result.output_tokens);
}

/// Returns the entry's JSON in ASCII. Most entries already are.
std::string ascii_entry(const Point& point) {
  const auto plain = [](char c) { return c >= 0x20 && c < 0x7f; };
  if (std::all_of(point.entry.begin(), point.entry.end(), plain)) return point.entry;
  return entry_of(point).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

Expected<void> write_matrix(const std::string& directory, const Plan& plan) {
  FileBeneath file(directory, "sweep_configs.json");
  const char* between = "[\n  ";
  for (const Point& point : plan.points) {
    if (plan.withdrawn.contains(point.id)) continue;
    file.write(between);
    file.write(ascii_entry(point));
    between = ",\n  ";
  }
  file.write(between[0] == '[' ? "[\n]\n" : "\n]\n");
  return file.finish();
}

Expected<void> append_log(const std::string& directory, const Plan& plan, int index, int attempt,
                          const std::string& node, bool is_stderr, std::string_view bytes) {
  return append_beneath(directory, view::log_stem(plan, index, attempt, node) + (is_stderr ? ".err" : ".out"),
                        bytes);
}

view::FindLog log_finder(const std::string& directory, const std::string& prefix) {
  return [directory, prefix](const std::string& stem) -> std::string {
    for (const char* end : {".err", ".out"}) {
      struct stat info {};
      const std::string name = stem + end;
      if (::lstat((directory + "/" + name).c_str(), &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0)
        return prefix + name;
    }
    return {};
  };
}

std::string agg_name(const std::string& result_filename) {
  return "agg_" + result_filename + ".json";
}

std::string agg_text(const nlohmann::ordered_json& document) {
  return python::json_text(document, 2);
}

void remove_superseded(const std::string& directory, const Plan& plan, const core::State& state, int index) {
  const auto& attempts = core::point_at(state, index).attempts;
  const auto accepted =
      std::find_if(attempts.begin(), attempts.end(), [](const core::Attempt& a) { return a.accepted; });
  if (accepted == attempts.end()) return;
  for (const core::Attempt& attempt : attempts) {
    const bool left_files = !attempt.accepted && !attempt.invalid.empty() && attempt.node != accepted->node;
    if (!left_files) continue;
    const std::string name = result_filename(plan, index, attempt.node);
    std::ignore = remove_beneath(directory, raw_name(name));
    std::ignore = remove_beneath(directory, agg_name(name));
    std::ignore = remove_tree_beneath(directory, "raw/" + name);
    std::ignore = remove_tree_beneath(directory, "logs/" + name);
  }
}

Expected<void> write_result_files(const std::string& directory, const std::string& result_filename,
                                  std::string_view raw, std::string_view agg, Sync sync) {
  SWEEP_TRY(write_if_different(directory, raw_name(result_filename), raw, sync));
  return write_if_different(directory, agg_name(result_filename), agg, sync);
}

}  // namespace sweep
