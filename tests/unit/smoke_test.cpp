// benchmarks/statistics.hpp compared with computations by hand, benchmarks/progress_line.hpp, and the program
// cpu-smoke as a sweep runs it.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "benchmarks/progress_line.hpp"
#include "benchmarks/statistics.hpp"
#include "util/json.hpp"

namespace sweep::bench {
namespace {

TEST(Stats, SummaryOfFourUnsortedValues) {
  const Summary summary = summarize({4.0, 1.0, 3.0, 2.0});
  EXPECT_DOUBLE_EQ(summary.mean, 2.5);
  EXPECT_DOUBLE_EQ(summary.median, 2.5);
  EXPECT_DOUBLE_EQ(summary.std, 1.1180339887498949);  // sqrt(5/4); the sample's would be sqrt(5/3)
  EXPECT_DOUBLE_EQ(summary.p90, 3.7);                 // rank 2.7
  EXPECT_DOUBLE_EQ(summary.p99, 3.97);
  EXPECT_DOUBLE_EQ(summary.p999, 3.997);
}

TEST(Stats, PercentileIsLimitedToTheExtremes) {
  EXPECT_DOUBLE_EQ(percentile({2.0, 8.0}, 0.0), 2.0);
  EXPECT_DOUBLE_EQ(percentile({2.0, 8.0}, 100.0), 8.0);
  EXPECT_DOUBLE_EQ(percentile({5.0}, 99.9), 5.0);
}

TEST(Stats, StatisticsOfNoValueAreZero) {
  const Summary summary = summarize({});
  EXPECT_EQ(summary.mean, 0.0);
  EXPECT_EQ(summary.std, 0.0);
  EXPECT_EQ(summary.p999, 0.0);
}

TEST(Stats, LatenciesFollowFromTokenTimes) {
  const std::vector<RequestTimes> requests = {
      {.start = 10.0, .input_tokens = 3, .tokens = {10.5, 10.625, 11.0}},
      {.start = 11.0, .input_tokens = 3, .tokens = {11.25}},  // one token: no tpot, no itl
      {.start = 12.0, .input_tokens = 3, .tokens = {}},       // no token: not counted
  };
  const Latencies all = latencies(requests);
  EXPECT_EQ(all.ttft, (std::vector<double>{0.5, 0.25}));
  EXPECT_EQ(all.e2el, (std::vector<double>{1.0, 0.25}));
  EXPECT_EQ(all.tpot, (std::vector<double>{0.25}));
  EXPECT_EQ(all.itl, (std::vector<double>{0.125, 0.375}));
}

TEST(Stats, ProgressLineLooksLikeTqdm) {
  EXPECT_EQ(progress_line(45, 100, 1.125), " 45%|████▌     | 45/100 [00:01<00:01, 40.00it/s]");
  EXPECT_EQ(progress_line(0, 8, 0.0), "  0%|          | 0/8 [00:00<?, ?it/s]");
  EXPECT_EQ(progress_line(8, 8, 4000.0), "100%|██████████| 8/8 [1:06:40<00:00, 500.00s/it]");
}

// --- the program -------------------------------------------------------------------------------------------

using Environment = std::map<std::string, std::string>;

Environment point() {
  return {{"EXP_NAME", "dsr1_1k1k"},
          {"MODEL", "some/model-7b"},
          {"ISL", "64"},
          {"OSL", "48"},
          {"TP", "8"},
          {"EP_SIZE", "1"},
          {"DP_ATTENTION", "false"},
          {"CONC", "8"},
          {"RANDOM_RANGE_RATIO", "0.5"},
          {"RESULT_FILENAME", "r_c8"},
          {"CPU_SMOKE_SCALE", "0.02"},
          {"CPU_SMOKE", CPU_SMOKE_PROGRAM}};
}

std::string contents(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

class CpuSmoke : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "cpu-smoke-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    directory_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  // Runs the script with only these environment variables. Returns its exit status.
  int run(const Environment& environment) {
    std::string command = "cd '" + directory_.string() + "' && exec env -i PATH=/usr/bin:/bin";
    for (const auto& [name, value] : environment)
      command += " '" + name + "=" + value + "'";
    command += " " CPU_SMOKE_SCRIPT " >out 2>err";
    const int status = std::system(command.c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  std::filesystem::path directory_;
};

TEST_F(CpuSmoke, ResultHasTheKeysOfTheServingClient) {
  ASSERT_EQ(run(point()), 0) << contents(directory_ / "err");
  const auto json = nlohmann::ordered_json::parse(contents(directory_ / "r_c8.json"));
  std::vector<std::string> expected = {"date",
                                       "backend",
                                       "model_id",
                                       "tokenizer_id",
                                       "best_of",
                                       "num_prompts",
                                       "request_rate",
                                       "burstiness",
                                       "max_concurrency",
                                       "duration",
                                       "completed",
                                       "total_input_tokens",
                                       "total_output_tokens",
                                       "request_throughput",
                                       "request_goodput:",
                                       "output_throughput",
                                       "total_token_throughput"};
  for (const char* metric : {"ttft", "tpot", "itl", "e2el"}) {
    for (const char* statistic : {"mean", "median", "std", "p90", "p99", "p99.9"}) {
      expected.push_back(std::string(statistic) + "_" + metric + "_ms");
    }
  }
  expected.insert(expected.end(), {"hardware", "work_scale"});
  std::vector<std::string> keys;
  for (const auto& item : json.items())
    keys.push_back(item.key());
  EXPECT_EQ(keys, expected);
  EXPECT_EQ(json["model_id"], "some/model-7b");
  EXPECT_EQ(json["max_concurrency"], 8);
  EXPECT_EQ(json["request_rate"], "inf");
  EXPECT_EQ(json["hardware"], "cpu");
  EXPECT_FALSE(std::filesystem::exists(directory_ / "r_c8.json.tmp"));
}

TEST_F(CpuSmoke, ResultIsConsistent) {
  ASSERT_EQ(run(point()), 0) << contents(directory_ / "err");
  const auto json = nlohmann::json::parse(contents(directory_ / "r_c8.json"));
  const auto value = [&](const char* key) { return json.at(key).get<double>(); };
  const double requests = value("completed");
  const double input = value("total_input_tokens");
  const double output = value("total_output_tokens");
  const double duration = value("duration");
  EXPECT_EQ(requests, value("num_prompts"));
  // Lengths are drawn from half to the whole length.
  EXPECT_GE(input, requests * 32);
  EXPECT_LT(input, requests * 64);
  EXPECT_GE(output, requests * 24);
  EXPECT_LT(output, requests * 48);
  EXPECT_NEAR(value("output_throughput") * duration, output, 1e-6 * output);
  EXPECT_NEAR(value("total_token_throughput") * duration, input + output, 1e-6 * output);
  EXPECT_NEAR(value("request_throughput") * duration, requests, 1e-6 * requests);
  // A request's latency is that of its first token plus the gaps between the others.
  const double latency = value("mean_e2el_ms") * requests;
  const double parts = value("mean_ttft_ms") * requests + value("mean_itl_ms") * (output - requests);
  EXPECT_NEAR(latency, parts, 1e-6 * latency);
  // Little's law: at most CONC requests in flight, and nearly as many most of the time.
  const double in_flight = latency / 1000.0 / duration;
  EXPECT_LE(in_flight, 8.0);
  EXPECT_GT(in_flight, 3.0);
}

TEST_F(CpuSmoke, ReadinessAndProgressArePrinted) {
  ASSERT_EQ(run(point()), 0);
  const std::string out = contents(directory_ / "out");
  EXPECT_NE(out.find("hw cpu: this measures this CPU, not an accelerator or a model\n"), std::string::npos)
      << out;
  EXPECT_NE(out.find("\nStarting main benchmark run...\n"), std::string::npos) << out;
  const std::string err = contents(directory_ / "err");
  EXPECT_EQ(err.rfind("\r  0%|", 0), 0U) << err;
  EXPECT_NE(err.find("\r100%|██████████| "), std::string::npos) << err;
}

TEST_F(CpuSmoke, ErrorNamesTheMissingVariable) {
  for (const char* name :
       {"EXP_NAME", "MODEL", "ISL", "OSL", "TP", "EP_SIZE", "DP_ATTENTION", "CONC", "RESULT_FILENAME"}) {
    Environment environment = point();
    environment.erase(name);
    EXPECT_EQ(run(environment), 2) << name;
    EXPECT_EQ(contents(directory_ / "err"),
              std::string("cpu-smoke: ") + name + " is not set; set it in the environment\n");
  }
}

TEST_F(CpuSmoke, InvalidNumbersAndFileNamesAreRejected) {
  const std::vector<std::pair<std::string, std::string>> cases = {{"CONC", "0"},
                                                                  {"ISL", "-1"},
                                                                  {"OSL", "1e3"},
                                                                  {"TP", ""},
                                                                  {"RANDOM_RANGE_RATIO", "1.5"},
                                                                  {"RESULT_FILENAME", "../r"}};
  for (const auto& [name, value] : cases) {
    Environment environment = point();
    environment[name] = value;
    EXPECT_EQ(run(environment), 2) << name;
    EXPECT_NE(contents(directory_ / "err").find(name), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace sweep::bench
