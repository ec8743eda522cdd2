#include "benchmarks/bench_aggregate_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <vector>

#include "controller/python/json_text.hpp"
#include "controller/report/process_result.hpp"
#include "util/json.hpp"
#include "util/os/fd.hpp"
#include "util/os/files.hpp"

namespace sweep::bench {

namespace {

namespace fs = std::filesystem;

using Json = nlohmann::ordered_json;

constexpr const char* kHardware[] = {"h100", "h200", "b200", "mi355x"};
constexpr const char* kFrameworks[] = {"vllm", "sglang"};
constexpr const char* kPrecisions[] = {"fp8", "fp4"};
constexpr int kTps[] = {1, 2, 4, 8};
constexpr int kLengths[] = {1024, 8192};
constexpr std::size_t kHardwareTypes = std::size(kHardware), kLayouts = std::size(kTps);

// A statistic, as a multiple of the median.
struct Statistic {
  const char* name;
  double factor;
};
constexpr Statistic kStatistics[] = {{"mean", 1.03}, {"median", 1},   {"std", 0.11},  {"p10", 0.8},
                                     {"p25", 0.9},   {"p50", 1},      {"p75", 1.1},   {"p90", 1.24},
                                     {"p95", 1.35},  {"p99", 1.5467}, {"p99.5", 1.7}, {"p99.9", 1.96}};

struct Point {
  std::size_t number, hw;
  int framework, precision, tp, isl, conc;
};

// Derives the properties of a point from the digits of its number.
Point point_of(std::size_t number) {
  std::size_t rest = number;
  const auto digit = [&](std::size_t base) {
    const std::size_t value = rest % base;
    rest /= base;
    return value;
  };
  Point point{};
  point.number = number;
  point.hw = digit(kHardwareTypes);
  point.framework = static_cast<int>(digit(2));
  point.precision = static_cast<int>(digit(2));
  point.tp = kTps[digit(kLayouts)];
  point.isl = kLengths[digit(2)];
  point.conc = static_cast<int>(1 + rest);
  return point;
}

// Returns the client's JSON: higher concurrency gives higher throughput and higher latency, with some noise.
Json client_result(const Point& point, std::mt19937_64& random) {
  const auto noise = [&] { return 0.9 + 0.2 * static_cast<double>(random() >> 11) * 0x1p-53; };
  const double speed = static_cast<double>(1 + point.hw) * (1 + 0.3 * point.framework) *
                       (1 + 0.5 * point.precision) * point.tp * noise();
  const double tpot_ms = (4 + 0.35 * point.conc) / speed * 8 * noise();
  const double output = 1000 * point.conc / tpot_ms;
  const double ttft_ms = 40 * (1 + 0.1 * point.conc) * point.isl / 1024 / speed * noise();
  Json result = {{"date", "20251110-120000"},
                 {"backend", kFrameworks[point.framework]},
                 {"model_id", "deepseek-ai/DeepSeek-R1-0528"},
                 {"max_concurrency", point.conc},
                 {"output_throughput", output},
                 {"total_token_throughput", output * (1 + point.isl / 1024.0)}};
  const std::pair<const char*, double> metrics[] = {
      {"ttft", ttft_ms}, {"tpot", tpot_ms}, {"itl", tpot_ms * noise()}, {"e2el", ttft_ms + 1023 * tpot_ms}};
  for (const auto& [metric, median] : metrics) {
    for (const Statistic& statistic : kStatistics)
      result[std::string(statistic.name) + "_" + metric + "_ms"] = median * statistic.factor * noise();
  }
  return result;
}

report::ResultContext context_of(const Point& point) {
  report::ResultContext context;
  const std::string tp = std::to_string(point.tp);
  context.runner_type = kHardware[point.hw];
  context.framework = kFrameworks[point.framework];
  context.precision = kPrecisions[point.precision];
  context.tp = tp;
  context.ep = "1";
  context.dp_attention = "false";
  context.result_filename = "dsr1_" + std::to_string(point.isl / 1024) + "k1k_" + *context.precision + "_" +
                            *context.framework + "_tp" + tp + "_ep1_dpa_false_conc" +
                            std::to_string(point.conc) + "_" + *context.runner_type + "-node_0";
  return context;
}

Expected<std::string> read_whole(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info {};
  if (!fd.open() || ::fstat(fd.get(), &info) != 0)
    return fail("cannot read '" + path + "': " + errno_text(errno));
  std::string bytes(static_cast<std::size_t>(info.st_size), '\0');
  if (::read(fd.get(), bytes.data(), bytes.size()) != info.st_size)
    return fail("cannot read '" + path + "': short read");
  return bytes;
}

}  // namespace

Expected<std::size_t> write_results(const std::string& folder, std::size_t count) {
  std::mt19937_64 random(20251110);
  std::size_t bytes = 0;
  for (std::size_t number = 0; number < count; ++number) {
    const Point point = point_of(number);
    const report::ResultContext context = context_of(point);
    SWEEP_ASSIGN(const auto processed, report::process_result(context, client_result(point, random).dump()));
    const std::string text = python::json_text(processed, 2);
    const std::string path = report::agg_path(folder + "/" + context.result_filename);
    std::ofstream out(path, std::ios::binary);
    out << text;
    out.close();
    if (!out) return fail("cannot write '" + path + "': " + errno_text(errno));
    bytes += text.size();
  }
  return bytes;
}

Expected<std::size_t> read_results(const std::string& folder, Floor floor) {
  std::vector<std::string> paths;
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(folder, code))
    paths.push_back(entry.path().string());
  if (code) return fail("cannot read the directory '" + folder + "': " + code.message());
  std::sort(paths.begin(), paths.end());
  std::size_t count = 0;
  for (const std::string& path : paths) {
    SWEEP_ASSIGN(const auto bytes, read_whole(path));
    count += floor == Floor::Read ? 1 : Json::parse(bytes).contains("hw");
  }
  return count;
}

}  // namespace sweep::bench
