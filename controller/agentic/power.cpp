#include "controller/agentic/power.hpp"

#include "controller/agentic/artifacts.hpp"
#include "controller/agentic/power_window.hpp"
#include "controller/power/metrics.hpp"
#include "controller/power/paths.hpp"
#include "controller/power/power_files.hpp"
#include "util/json.hpp"
#include "util/os/files.hpp"
#include "util/text.hpp"

namespace sweep::agentic {

namespace {

constexpr const char* kAgenticTool = "agentx_power";
constexpr std::size_t kMaxZoneBytes = 4096;

// The files of a run, in its result directory.
struct PowerPaths {
  std::string csv, window, sidecar, zone, artifacts;

  explicit PowerPaths(const std::string& folder)
      : csv(power::below(folder, "gpu_metrics.csv")),
        window(power::below(folder, "agentic_power_window.json")),
        sidecar(power::below(folder, "power_validation.json")),
        zone(power::below(folder, "agentic_power_timezone_offset.txt")),
        artifacts(folder_with(power::below(folder, "aiperf_artifacts"), "profile_export.jsonl")) {}
};

PowerWindow no_window(const char* reason, const std::string& note) {
  return {nullptr, reason, note};
}

PowerWindow read_window(const PowerPaths& paths) {
  const std::string summary_path = power::below(paths.artifacts, "profile_export_aiperf.json");
  const std::string records_path = power::below(paths.artifacts, "profile_export.jsonl");
  for (const std::string& path : {summary_path, records_path}) {
    if (!power::is_file(path)) return no_window("profile_artifacts_missing", path + " does not exist");
  }
  const auto summary = read_json_file(summary_path);
  if (!summary) return no_window("profile_artifacts_invalid", summary.error().message);
  if (!summary->is_object())
    return no_window("profile_artifacts_invalid", summary_path + " is not a JSON object");
  const auto records = read_records(records_path);
  if (!records) return no_window("profile_artifacts_invalid", records.error().message);
  if (records->broken > 0)
    return no_window("profile_artifacts_invalid", records_path + ":" + records->problems.front() + " (" +
                                                      counted(records->broken, "broken line") + ")");
  std::optional<std::string> zone;
  if (power::is_file(paths.zone)) zone = read_file(paths.zone, kMaxZoneBytes).value_or("");
  return power_window(*summary, *records, zone);
}

// Writes that power is not valid, for a run without a window.
power::PowerReport refuse(const PowerRequest& request, const PowerPaths& paths, const PowerWindow& window) {
  power::PowerReport out;
  out.reasons = {window.reason};
  out.status = request.required ? 1 : 0;
  const auto add_line = [&](const std::string& line) { out.err += printable(line) + "\n"; };
  if (!window.note.empty()) add_line(window.note);
  std::string patch_lines;
  if (power::patch_result_file(request.agg_result, false, {}, power::Roles::Keep, kAgenticTool, patch_lines))
    out.err += patch_lines;
  power::OneNodeVerdict verdict{paths.csv, paths.window, std::nullopt, {}, {}};
  verdict.reasons.add(window.reason);
  power::Integration nothing;
  nothing.expected_gpus = request.expected_gpus;
  nlohmann::ordered_json sidecar = power::one_node_sidecar(verdict, nothing, nullptr);
  sidecar["window_source"] = "aiperf_profile_lifecycle";
  if (const auto written = power::write_json_file(paths.sidecar, sidecar); !written)
    add_line("[agentx_power] Failed to record adapter failure: " + written.error().message);
  add_line("[agentx_power] Power-window adaptation failed: " + window.reason);
  return out;
}

}  // namespace

power::PowerReport aggregate_power(const PowerRequest& given) {
  PowerRequest request = given;
  request.agg_result = power::python_path(given.agg_result);
  const PowerPaths paths(power::python_path(given.result_dir));
  const PowerWindow window = read_window(paths);
  if (!window.reason.empty()) return refuse(request, paths, window);
  if (const auto written = power::write_json_file(paths.window, window.json); !written)
    return refuse(request, paths, no_window("power_window_unwritable", written.error().message));
  power::OneNodeRequest one_node;
  one_node.csv = paths.csv;
  one_node.bench_result = paths.window;
  one_node.agg_result = request.agg_result;
  one_node.expected_gpus = request.expected_gpus;
  one_node.sidecar = paths.sidecar;
  one_node.required = request.required;
  return power::aggregate_one_node(one_node);
}

}  // namespace sweep::agentic
