#include "controller/agentic/process.hpp"

#include <cmath>
#include <cstdio>

#include "controller/agentic/artifacts.hpp"
#include "controller/agentic/request_metrics.hpp"
#include "controller/agentic/server_metrics.hpp"
#include "controller/power/paths.hpp"
#include "controller/power/power_files.hpp"
#include "controller/python/math.hpp"
#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep::agentic {

namespace {

using Json = nlohmann::ordered_json;

constexpr int kPlaces = 5;

// The files of one run, read.
struct Run {
  std::string result_dir;
  std::string records_path;
  Records records;
  Json aggregate = Json::object(), server = Json::object();
};

// Returns aiperf's summary; an empty object if it does not exist.
Expected<Json> read_summary(const std::string& path) {
  if (!power::is_file(path)) return Json::object();
  SWEEP_ASSIGN(Json json, read_json_file(path));
  if (!json.is_object())
    return fail("cannot read '" + path + "': it is not a JSON object; remove it, or run aiperf again");
  return json;
}

Expected<Run> read_run(const Variables& variables) {
  Run out;
  out.result_dir = power::python_path(variables("RESULT_DIR").value_or("results"));
  const std::string folder =
      folder_with(power::below(out.result_dir, "aiperf_artifacts"), "profile_export.jsonl");
  out.records_path = power::below(folder, "profile_export.jsonl");
  if (!power::is_file(out.records_path))
    return fail("ERROR: " + out.records_path +
                " not found; set RESULT_DIR to the folder that contains aiperf_artifacts");
  SWEEP_ASSIGN(out.records, read_records(out.records_path));
  SWEEP_ASSIGN(out.aggregate, read_summary(power::below(folder, "profile_export_aiperf.json")));
  const std::string server = power::below(folder, "server_metrics_export.json");
  if (power::is_file(server)) {
    SWEEP_ASSIGN(out.server, read_server_metrics(server));
  }
  return out;
}

Expected<Json> result_of(const Run& run, const Variables& variables) {
  SWEEP_ASSIGN(const Point point, read_point(variables));
  Json out = point.head;
  out["num_requests_total"] = run.records.total;
  out["num_requests_successful"] = run.records.usable;
  out["request_accounting"] = run.records.accounting();
  out.update(point.shape);
  out.update(point.components);
  if (const auto metadata = run.aggregate.find("metadata");
      metadata != run.aggregate.end() && metadata->is_object() && metadata->contains("dataset") &&
      metadata->at("dataset").is_object())
    out["dataset"] = metadata->at("dataset");
  out["request_metrics"] =
      request_metrics(run.records, run.aggregate, expected_lengths(run.records, variables), point.gpus);
  const Adapter adapter = adapter_of(MetricSeries(run.server), point.framework);
  SWEEP_ASSIGN(ServerMetrics server, server_metrics(run.server, point.framework, run.records,
                                                    capacity_in_logs(run.result_dir, adapter)));
  out["server_metrics"] = server.json;
  out["kv_cache_pool_tokens"] = server.json["kv_cache"]["gpu_total_tokens"];
  if (run.records.broken > 0)
    server.warnings.push_back(counted(run.records.broken, "broken line") +
                              " in profile_export.jsonl skipped");
  if (!server.warnings.empty()) out["warnings"] = server.warnings;
  return out;
}

// Reports broken lines and a run without results.
void note_problems(const Run& run, std::string& err) {
  const Records& records = run.records;
  for (const std::string& problem : records.problems)
    err += "cannot use a line of " + printable(run.records_path) + ":" + problem +
           "; it counts as a request without a result\n";
  if (records.broken > records.problems.size())
    err += printable(run.records_path) + ": " +
           counted(records.broken - records.problems.size(), "more broken line") + "\n";
  if (records.usable == 0)
    err += "no request succeeded: " + printable(run.records_path) + " has " +
           counted(records.total, "request") + ", " + std::to_string(records.warmup) +
           " of the warm-up and " + std::to_string(records.failed) +
           " failed; the result has no measurements, check server.log\n";
}

std::string fixed(double value, int places) {
  char buffer[400];
  std::snprintf(buffer, sizeof buffer, "%.*f", places, value);
  return buffer;
}

double number_or_0(const Json& object, const char* key) {
  const auto value = object.find(key);
  return value != object.end() && value->is_number() ? value->get<double>() : 0;
}

std::string throughput_line(const Json& request) {
  const Json& throughput = request["throughput"];
  if (!throughput.contains("per_gpu") || !throughput["per_gpu"].contains("total_tput_tps")) return "";
  return "  Throughput per GPU: " + fixed(throughput["per_gpu"]["total_tput_tps"].get<double>(), 0) +
         " tok/s\n";
}

}  // namespace

Json rounded(const Json& value) {
  if (value.is_number_float()) {
    const double number = python::round(value.get<double>(), kPlaces);
    const bool whole = std::isfinite(number) && std::fabs(number) >= 1 && std::fabs(number) < 9e18 &&
                       std::trunc(number) == number;
    return whole ? Json(static_cast<std::int64_t>(number)) : Json(number);
  }
  if (!value.is_structured()) return value;
  Json out = value;
  for (Json& element : out)
    element = rounded(element);
  return out;
}

std::string result_lines(const Json& result) {
  const Json& accounting = result["request_accounting"];
  const auto count = [&](const char* key) { return std::to_string(accounting[key].get<std::size_t>()); };
  std::string out = "  Requests: " + count("records_profiled") + " successful / " + count("records_total") +
                    " total (" + count("records_warmup_dropped") + " warmup, " +
                    count("records_error_dropped") + " error dropped)\n";
  const Json& request = result["request_metrics"];
  if (const Json& qps = request["qps"]; qps.contains("mean"))
    out += "  QPS: mean=" + fixed(number_or_0(qps, "mean"), 2) + " p75=" + fixed(number_or_0(qps, "p75"), 2) +
           " p95=" + fixed(number_or_0(qps, "p95"), 2) + "\n";
  const auto add_share = [&](const char* label, const Json& value) {
    if (value.is_number()) out += "  " + std::string(label) + fixed(value.get<double>() * 100, 1) + "%\n";
  };
  const Json& cache = result["server_metrics"]["cache"];
  const Json& kv_cache = result["server_metrics"]["kv_cache"];
  add_share("GPU cache hit rate: ", cache["gpu_cache_hit_rate"]);
  add_share("CPU/offload cache hit rate: ", cache["cpu_cache_hit_rate"]);
  add_share("External cache hit rate: ", cache["external_cache_hit_rate"]);
  add_share("GPU KV cache usage:  ", kv_cache["gpu_usage_pct"]);
  if (const Json& tokens = kv_cache["gpu_total_tokens"]; tokens.is_number())
    out += "  GPU KV cache capacity: " + std::to_string(tokens.get<std::int64_t>()) + " tokens\n";
  add_share("Theoretical cache hit rate: ", request["cache"]["theoretical_cache_hit_rate"]);
  return out + throughput_line(request);
}

CommandLines process_agentic(const Variables& variables, bool need_requests) {
  const auto failed = [](const std::string& message) {
    return CommandLines{1, "", printable(message) + "\n"};
  };
  const std::string name = variables("RESULT_FILENAME").value_or("");
  if (name.empty())
    return failed("ERROR: RESULT_FILENAME env var not set; set it to the name of the result, without .json");
  const auto run = read_run(variables);
  if (!run) return failed(run.error().message);
  const auto result = result_of(*run, variables);
  if (!result) return failed(result.error().message);
  const Json document = rounded(*result);
  const std::string path = power::below(variables("AGENTIC_OUTPUT_DIR").value_or("."), name + ".json");
  if (const auto written = power::write_json_file(path, document); !written)
    return failed(written.error().message);
  CommandLines out;
  out.out = "Saved aggregated agentic result to " + printable(path) + "\n" + result_lines(document);
  note_problems(*run, out.err);
  out.status = need_requests && run->records.usable == 0 ? 1 : 0;
  return out;
}

}  // namespace sweep::agentic
