// controller/agentic/process and artifacts: files, lines and statuses of process-agentic.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "controller/agentic/artifacts.hpp"
#include "controller/agentic/process.hpp"
#include "controller/python/json_read.hpp"
#include "tests/unit/net_folder.hpp"
#include "util/json.hpp"

namespace sweep::agentic {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kRecord =
    R"({"metadata": {"conversation_id": "t", "turn_index": 0, "request_start_ns": 1000000000,)"
    R"( "request_end_ns": 3000000000}, "metrics": {"input_sequence_length": 100, "output_sequence_length": 50,)"
    R"( "time_to_first_token": 30}})";

class ProcessAgentic : public InFolder {
 protected:
  void SetUp() override {
    InFolder::SetUp();
    fs::create_directories(path("results/aiperf_artifacts"));
    put("results/aiperf_artifacts/profile_export.jsonl", std::string(kRecord) + "\n");
  }

  CommandLines run(const std::map<std::string, std::string>& changes = {}, bool need_requests = false) const {
    std::map<std::string, std::string> all = {
        {"RESULT_FILENAME", "r"},     {"RESULT_DIR", path("results")}, {"AGENTIC_OUTPUT_DIR", folder_},
        {"KV_OFFLOADING", "none"},    {"FRAMEWORK", "vllm"},           {"TP", "2"},
        {"HF_HUB_CACHE", path("hub")}};
    for (const auto& [name, value] : changes)
      all[name] = value;
    return process_agentic(
        [&](const char* name) {
          const auto found = all.find(name);
          return found == all.end() ? std::nullopt : std::optional(found->second);
        },
        need_requests);
  }

  Json result(const std::string& name = "r.json") const {
    const auto bytes = read_file(path(name), 1 << 20);
    return bytes ? python::read_json(*bytes).value_or(Json()) : Json();
  }
};

TEST_F(ProcessAgentic, ResultIsWrittenAndSummarised) {
  const auto got = run();
  EXPECT_EQ(got.status, 0) << got.err;
  EXPECT_EQ(got.err, "");
  EXPECT_EQ(got.out, "Saved aggregated agentic result to " + path("r.json") +
                         "\n  Requests: 1 successful / 1 total (0 warmup, 0 error dropped)\n"
                         "  Throughput per GPU: 38 tok/s\n");
  EXPECT_EQ(result()["request_metrics"]["latency"]["ttft"]["p50"], 0.03);
  EXPECT_EQ(result()["request_metrics"]["throughput"]["duration_seconds"].dump(), "2");
  EXPECT_EQ(result()["warnings"][0], "server_metrics_export.json missing or empty");
}

TEST_F(ProcessAgentic, SubfolderOfARunIsFound) {
  fs::create_directories(path("results/aiperf_artifacts/run_0"));
  fs::rename(path("results/aiperf_artifacts/profile_export.jsonl"),
             path("results/aiperf_artifacts/run_0/profile_export.jsonl"));
  put("results/aiperf_artifacts/run_0/profile_export_aiperf.json",
      R"({"metadata": {"dataset": {"rows": 3.0}}})");
  EXPECT_EQ(run({{"AGENTIC_OUTPUT_DIR", path("a/b")}}).status, 0);
  EXPECT_EQ(result("a/b/r.json")["dataset"].dump(), R"({"rows":3})");
}

TEST_F(ProcessAgentic, BrokenLineIsSkippedWithItsPlace) {
  put("results/aiperf_artifacts/profile_export.jsonl", std::string(kRecord) + "\n{\"metadata\n" + kRecord);
  const auto got = run();
  EXPECT_EQ(got.status, 0);
  EXPECT_THAT(got.err, HasSubstr("profile_export.jsonl:2: not JSON: "));
  EXPECT_THAT(got.err, HasSubstr("it counts as a request without a result"));
  EXPECT_EQ(result()["num_requests_total"], 3);
  EXPECT_EQ(result()["num_requests_successful"], 2);
  EXPECT_EQ(result()["request_accounting"]["records_broken"], 1);
  EXPECT_EQ(result()["warnings"][1], "1 broken line in profile_export.jsonl skipped");
}

TEST_F(ProcessAgentic, RunWithoutSuccessIsTold) {
  put("results/aiperf_artifacts/profile_export.jsonl", "{\"error\": \"x\"}\n");
  const auto got = run();
  EXPECT_EQ(got.status, 0);
  EXPECT_THAT(got.err, StartsWith("no request succeeded: "));
  EXPECT_EQ(result()["num_requests_successful"], 0);
  EXPECT_EQ(run({}, true).status, 1);
}

TEST_F(ProcessAgentic, MissingFilesAndVariablesAreNamed) {
  EXPECT_THAT(run({{"RESULT_FILENAME", ""}}).err, StartsWith("ERROR: RESULT_FILENAME env var not set"));
  EXPECT_THAT(run({{"KV_OFFLOADING", ""}}).err,
              StartsWith("Missing required environment variable: KV_OFFLOADING"));
  put("results/aiperf_artifacts/server_metrics_export.json", "{");
  EXPECT_THAT(run().err, HasSubstr("server_metrics_export.json': line 1"));
  put("results/aiperf_artifacts/profile_export_aiperf.json", "[]");
  EXPECT_THAT(run().err, HasSubstr("profile_export_aiperf.json': it is not a JSON object"));
  fs::remove(path("results/aiperf_artifacts/profile_export.jsonl"));
  EXPECT_THAT(run().err,
              StartsWith("ERROR: " + path("results/aiperf_artifacts/profile_export.jsonl") + " not found"));
  EXPECT_FALSE(fs::exists(path("r.json")));
}

TEST_F(ProcessAgentic, LogsOfThreeFoldersAboveCountOnce) {
  fs::create_directories(path("a/b/c/results"));
  const char* const kLine = "GPU KV cache size: 10 tokens\n";
  put("a/b/c/results/server.log",
      std::string(kLine) + "GPU KV ca" + std::string(1, '\0') + "che size: 5 tokens\n");
  fs::create_symlink("server.log", path("a/b/c/results/watchtower-0.out"));
  put("a/b/c/watchtower-1.out", kLine);
  put("a/watchtower-2.out", kLine);
  put("watchtower-3.out", kLine);  // four folders above
  put("a/b/other.out", kLine);
  EXPECT_EQ(capacity_in_logs(path("a/b/c/results"), Adapter::Vllm), 10 + 5 + 10 + 10 + 0);
  EXPECT_EQ(capacity_in_logs(path("a/b/c/results"), Adapter::Atom), std::nullopt);
}

TEST_F(ProcessAgentic, ExpectedLengthsComeFromTheNewestTraceSet) {
  const std::string set = "hub/datasets--semianalysisai--cc-traces-weka_1/snapshots/";
  for (const char* name : {"old", "new", "empty"})
    fs::create_directories(path(set + name));
  put(set + "old/t.jsonl", R"({"id": "t", "requests": [{"type": "n", "out": 1}]})");
  put(set + "new/t.jsonl",
      "{broken\n"
      R"({"id": "t", "requests": [{"type": "n", "out": 2}]})");
  const auto now = fs::file_time_type::clock::now();
  fs::last_write_time(path(set + "old"), now - std::chrono::hours(2));
  fs::last_write_time(path(set + "new"), now - std::chrono::hours(1));
  EXPECT_EQ(run().status, 0);
  EXPECT_EQ(result()["request_metrics"]["tokens"]["output_expected"]["mean"], 2);
}

TEST(Rounded, HasFivePlacesAndWholeNumbersWithoutPoint) {
  const Json json = {{"a", 1.234567}, {"b", {5.0, 0.0, 0.999999, -3.0}}, {"c", 1e300}, {"d", "x"}, {"e", 7}};
  EXPECT_EQ(rounded(json).dump(), R"({"a":1.23457,"b":[5,0.0,1,-3],"c":1e+300,"d":"x","e":7})");
}

TEST(ResultLines, ShareLinesAreLeftOutIfUnknown) {
  Json json = {{"request_accounting",
                {{"records_profiled", 1},
                 {"records_total", 2},
                 {"records_warmup_dropped", 0},
                 {"records_error_dropped", 1}}},
               {"request_metrics",
                {{"qps", {{"mean", 1.5}}},
                 {"throughput", Json::object()},
                 {"cache", {{"theoretical_cache_hit_rate", 1}}}}},
               {"server_metrics",
                {{"cache",
                  {{"gpu_cache_hit_rate", 0.4},
                   {"cpu_cache_hit_rate", nullptr},
                   {"external_cache_hit_rate", nullptr}}},
                 {"kv_cache", {{"gpu_usage_pct", 0.91}, {"gpu_total_tokens", 5}}}}}};
  EXPECT_EQ(result_lines(json),
            "  Requests: 1 successful / 2 total (0 warmup, 1 error dropped)\n"
            "  QPS: mean=1.50 p75=0.00 p95=0.00\n"
            "  GPU cache hit rate: 40.0%\n"
            "  GPU KV cache usage:  91.0%\n"
            "  GPU KV cache capacity: 5 tokens\n"
            "  Theoretical cache hit rate: 100.0%\n");
}

}  // namespace
}  // namespace sweep::agentic
