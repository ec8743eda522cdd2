#include "agent/core/gpu_report.hpp"

#include <limits>
#include <optional>

#include "util/fields.hpp"
#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep::agent {

namespace {

constexpr std::size_t kMaxText = 512;
constexpr std::size_t kMaxGpus = 1024;
constexpr std::int64_t kAny = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kLastInstant = std::int64_t{1} << 52;

struct Key {
  const char* name;
  std::optional<std::int64_t> GpuSample::*member;
};
constexpr Key kValues[] = {{"power_mw", &GpuSample::power_mw},
                           {"energy_mj", &GpuSample::energy_mj},
                           {"sm_clock_mhz", &GpuSample::sm_clock_mhz},
                           {"memory_clock_mhz", &GpuSample::memory_clock_mhz},
                           {"temperature_c", &GpuSample::temperature_c},
                           {"memory_used_bytes", &GpuSample::memory_used_bytes},
                           {"utilization_percent", &GpuSample::utilization_percent},
                           {"throttle_reasons", &GpuSample::throttle_reasons},
                           {"processes", &GpuSample::processes},
                           {"memory_utilization_percent", &GpuSample::memory_utilization_percent}};

// JSON cannot contain bytes that are not UTF-8, and these texts are shown to users sooner or later.
std::string safe(const std::string& text) {
  return clipped(printable(text), kMaxText);
}

nlohmann::json json_of(const NvmlFacts& facts) {
  nlohmann::json gpus = nlohmann::json::array();
  for (const GpuFacts& gpu : facts.gpus) {
    gpus.push_back({{"gpu", safe(gpu.gpu)},
                    {"name", safe(gpu.name)},
                    {"uuid", safe(gpu.uuid)},
                    {"problem", safe(gpu.problem)}});
  }
  return {{"driver", safe(facts.driver)}, {"gpus", std::move(gpus)}};
}

nlohmann::json json_of(const GpuSample& sample) {
  nlohmann::json out{{"gpu", safe(sample.gpu)}, {"at", to_unix_ms(sample.at)}};
  for (const Key& key : kValues) {
    if (const auto& value = sample.*key.member) out[key.name] = *value;
  }
  return out;
}

nlohmann::json json_of(const GpuProblem& problem) {
  return {{"gpu", safe(problem.gpu)}, {"problem", safe(problem.problem)}};
}

nlohmann::json json_of(const TelemetryOff& off) {
  return {{"off", safe(off.why)}, {"for_good", off.for_good}};
}

Expected<GpuReport> facts_in(Fields& in) {
  NvmlFacts facts;
  facts.driver = in.text("driver", kMaxText);
  const nlohmann::json& list = in.child("gpus");
  if (!list.is_array() || list.size() > kMaxGpus)
    in.complain("a report's list of GPUs is not an array, or too long");
  if (in.error()) return fail(*in.error());
  for (const nlohmann::json& item : list) {
    Fields one(item, "a report's GPU");
    facts.gpus.push_back({one.text("gpu", kMaxText), one.text("name", kMaxText), one.text("uuid", kMaxText),
                          one.text("problem", kMaxText)});
    if (one.error()) return fail(*one.error());
  }
  return facts;
}

Expected<GpuReport> sample_in(Fields& in) {
  GpuSample sample;
  sample.gpu = in.text("gpu", kMaxText);
  sample.at = from_unix_ms(in.integer("at", 0, kLastInstant));
  for (const Key& key : kValues)
    sample.*key.member = in.maybe_integer(key.name, 0, kAny);
  if (in.error()) return fail(*in.error());
  return sample;
}

}  // namespace

std::string to_line(const GpuReport& report) {
  return std::visit([](const auto& what) { return json_of(what).dump(); }, report) + "\n";
}

Expected<GpuReport> parse_report(std::string_view line) {
  if (line.size() > kMaxReportLine) return fail("a report of a GPU is too long");
  const nlohmann::json object = parse_json(line);
  if (!object.is_object()) return fail("a report of a GPU is not a JSON object");
  Fields in(object, "a report of a GPU");
  if (in.has("driver")) return facts_in(in);
  if (in.has("at")) return sample_in(in);
  if (in.has("problem")) {
    const GpuProblem problem{in.text("gpu", kMaxText), in.text("problem", kMaxText)};
    if (in.error()) return fail(*in.error());
    return problem;
  }
  const TelemetryOff off{in.text("off", kMaxText), in.flag("for_good")};
  if (in.error()) return fail(*in.error());
  return off;
}

}  // namespace sweep::agent
