#include "controller/power/one_node.hpp"

#include <cmath>
#include <cstdio>

#include "controller/power/accumulator.hpp"
#include "controller/power/paths.hpp"
#include "controller/power/power_files.hpp"
#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep::power {

namespace {

constexpr const char* kTool = "aggregate_power";
constexpr auto kBlanks = CsvRows::Blanks::SkipAfterComma;  // of nvidia-smi

void add_line(std::string& err, const std::string& line) {
  err += printable(line) + "\n";
}

// Says in which zone the times of a stream were read, and in which zone they would cover the window.
void note_zone(const GpuStream& stream, const std::string& csv, const Benchmark& benchmark,
               std::string& err) {
  if (!stream.has_local_times()) return;
  const std::int64_t assumed = local_offset(static_cast<std::int64_t>(benchmark.start));
  std::string line =
      "the times in '" + csv + "' have no zone and were read as local time, " + offset_name(assumed) + "; ";
  if (const auto fitting = fitting_offset(stream, benchmark, assumed)) {
    line += "they do not cover the benchmark's window, but in " + offset_name(*fitting) +
            " they would; if the GPU monitor ran there, run again with TZ=" + tz_value(*fitting);
  } else {
    line += "if the GPU monitor ran in another zone, run again with TZ set to it (TZ=UTC-9 for UTC+09:00)";
  }
  add_line(err, line);
}

// Adds why the stream is not read at all. Returns true if it can be read.
bool stream_exists(const std::string& csv, Integration& out) {
  std::uint64_t size = 0;
  if (!is_file(csv, &size)) {
    out.reasons.add("telemetry_file_missing");
    out.notes.push_back(
        "cannot read '" + csv +
        "': there is no such file; give the GPU monitor's file with --csv or GPU_METRICS_CSV");
    return false;
  }
  if (size > 0) return true;
  out.reasons.add("telemetry_file_empty");
  out.notes.push_back("'" + csv + "' is empty; check that the GPU monitor was started");
  return false;
}

Integration read_stream(const OneNodeRequest& request, const Benchmark& benchmark, std::string& err) {
  Integration out = begin_integration(request.expected_gpus);
  if (!stream_exists(request.csv, out)) return out;
  GpuStream stream(request.csv, benchmark.start, benchmark.end, local_offset);
  const auto read = read_csv(request.csv, kBlanks, [&](std::span<const std::string> row, std::size_t line) {
    stream.take(row, line);
  });
  if (!read) {
    out.reasons.add(stream.reasons());
    out.reasons.add("telemetry_file_unreadable");
    out.notes.push_back(read.error().message);
    return out;
  }
  stream.finish();
  note_zone(stream, request.csv, benchmark, err);
  integrate(stream, benchmark, out);
  return out;
}

// Returns the sidecar's accumulator_check; null if there are no snapshots.
nlohmann::ordered_json compare_with_counters(const std::string& csv) {
  const std::string begin = sibling(csv, stem(csv) + "_energy_start.csv");
  const std::string end = sibling(csv, stem(csv) + "_energy_end.csv");
  if (!is_file(begin) && !is_file(end)) return nullptr;
  if (!is_file(begin)) return no_accumulator_check("missing_start_snapshot");
  if (!is_file(end)) return no_accumulator_check("missing_end_snapshot");
  EnergySnapshot before, after;
  GpuStream whole(local_offset);
  const auto into = [](auto& reader) {
    return [&reader](std::span<const std::string> row, std::size_t) { reader.take(row); };
  };
  if (!read_csv(begin, kBlanks, into(before))) return no_accumulator_check("cross_check_error");
  if (before.joules().empty()) return no_accumulator_check("unparseable_start_snapshot");
  if (!read_csv(end, kBlanks, into(after))) return no_accumulator_check("cross_check_error");
  if (after.joules().empty()) return no_accumulator_check("unparseable_end_snapshot");
  const auto read = read_csv(
      csv, kBlanks, [&](std::span<const std::string> row, std::size_t line) { whole.take(row, line); });
  if (!read) return no_accumulator_check("cross_check_error");
  whole.finish();
  return accumulator_check(before, after, whole);
}

std::string success_line(const Metrics& metrics, std::size_t gpus, const std::string& agg) {
  char buffer[1200];
  std::snprintf(
      buffer, sizeof buffer,
      "[aggregate_power] avg_power_w=%.2f avg_total_gpu_power_w=%.2f total_gpu_energy_j=%.2f (n=%zu) -> ",
      metrics[0].second, metrics[1].second, metrics[2].second, gpus);
  return buffer + printable(agg) + "\n";
}

}  // namespace

bool power_required(const Variables& variables) {
  const std::string value = ascii_lower(variables("REQUIRE_POWER").value_or(""));
  return value == "1" || value == "true" || value == "yes";
}

std::string gpu_metrics_file(const Variables& variables) {
  const std::string candidates[] = {variables("GPU_METRICS_CSV").value_or(""), "gpu_metrics.csv",
                                    "/workspace/gpu_metrics.csv"};
  for (const std::string& path : candidates) {
    if (!path.empty() && is_file(path)) return path;
  }
  return candidates[0].empty() ? candidates[1] : candidates[0];
}

PowerReport aggregate_one_node(const OneNodeRequest& given) {
  OneNodeRequest request = given;
  request.csv = python_path(given.csv);
  request.bench_result = python_path(given.bench_result);
  request.agg_result = python_path(given.agg_result);
  const std::string sidecar =
      given.sidecar.empty()
          ? sibling(request.bench_result, "power_validation_" + stem(request.bench_result) + ".json")
          : python_path(given.sidecar);
  PowerReport out;
  const BenchmarkReading reading = read_benchmark_file(request.bench_result);
  OneNodeVerdict verdict{request.csv, request.bench_result, reading.benchmark, reading.reasons, {}};
  Integration integration;
  integration.expected_gpus = request.expected_gpus;
  if (reading.benchmark) integration = read_stream(request, *reading.benchmark, out.err);
  for (const std::string& note : reading.notes)
    add_line(out.err, note);
  for (const std::string& note : integration.notes)
    add_line(out.err, note);
  verdict.reasons.add(integration.reasons);
  if (verdict.reasons.empty())
    verdict.metrics =
        deployment_metrics(integration.total_energy, integration.gpus.size(), *reading.benchmark);

  if (const auto failure = patch_result_file(request.agg_result, verdict.reasons.empty(), verdict.metrics,
                                             Roles::Keep, kTool, out.err)) {
    verdict.reasons.add(failure->reason);
    verdict.metrics.clear();
  }
  out.valid = verdict.reasons.empty();
  out.reasons = verdict.reasons.all();
  out.status = request.required && !out.valid ? 1 : 0;
  const auto written =
      write_json_file(sidecar, one_node_sidecar(verdict, integration, compare_with_counters(request.csv)));
  if (!written) {
    out.status = request.required ? 1 : 0;
    add_line(out.err, "[aggregate_power] Failed to write validation artifact " + sidecar + ": " +
                          written.error().message);
    return out;
  }
  if (out.valid) {
    out.out = success_line(verdict.metrics, integration.gpus.size(), request.agg_result);
  } else {
    add_line(out.err, "[aggregate_power] Power validation failed: " + join(out.reasons, ", ") +
                          " (details: " + sidecar + ")");
  }
  return out;
}

}  // namespace sweep::power
