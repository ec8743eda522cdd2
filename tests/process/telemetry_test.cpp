// The telemetry of a point's GPUs in its record, from a fake libnvidia-ml to the agg file.
#include "tests/process/program.hpp"
#include "util/json.hpp"

namespace sweep {
namespace {

using nlohmann::json;

class Telemetry : public ProcessTest {
 protected:
  /// Runs a sweep of one point with these NVML answers, which ends with `status`, and returns its record.
  json record(const std::string& answers, int status = 0) {
    write("matrix.yaml",
          "dsr1-fp4-b200-sglang:\n  image: i\n  model: m\n  framework: sglang\n  search-space:\n"
          "    - { tp: 2, conc-start: 1, conc-end: 1 }\n");
    write("answers", answers);
    write("bench.sh",
          std::string(kGoodBenchmark) +
              "echo 'Initial test run completed. Starting main benchmark run...'\nsleep 2.5\n",
          true);
    Program run(directory_, {"sweepctl", "run", "--output", "out", "matrix.yaml", "--", "./bench.sh"},
                {"LD_LIBRARY_PATH=" SWEEP_NVML_STAND_INS "/whole", "NVML_STAND_IN=" + path("answers"),
                 "CUDA_VISIBLE_DEVICES=0,1"});
    EXPECT_EQ(run.finish(), status) << run.err();
    return json::parse(read("out/agg_dsr1_1k1k.json")).at(0);
  }
};

TEST_F(Telemetry, PowerIsInTheRecord) {
  const json got = record(
      "0.power 300000\n1.power 200000\n0.processes 0\n1.processes 0\n0.utilization 0\n1.utilization 0\n");
  EXPECT_EQ(got.at("valid"), true) << got.dump(1);
  const json& telemetry = got.at("telemetry");
  EXPECT_EQ(telemetry.at("mean_power_w"), 500.0);
  const double joules = telemetry.at("energy_j");
  EXPECT_DOUBLE_EQ(joules, 500.0 * telemetry.at("seconds").get<double>());
  EXPECT_EQ(telemetry.at("throttled"), false);
  EXPECT_EQ(got.at("provenance").at("driver"), "0.0 stand-in");
}

// A point of InferenceX whose script has no GPU monitor gets its gpu_metrics.csv from the agent, and the power step
// accepts it.
TEST_F(Telemetry, PowerAggregationReadsTheFileThatTheAgentLeaves) {
  write("runners.yaml", "labels: { b200: [b200-nb_0] }\n");
  write("matrix.yaml",
        "k:\n  { image: i, model: m, model-prefix: dsr1, precision: fp4, framework: sglang, runner: b200,\n"
        "    multinode: false, scenarios: { fixed-seq-len: [ { isl: 1024, osl: 1024, search-space: [\n"
        "      { tp: 2, conc-list: [1] } ] } ] } }\n");
  write("answers",
        "0.power 300000\n1.power 200000\n0.processes 0\n1.processes 0\n0.utilization 0\n"
        "1.utilization 0\n0.temperature error 3\n1.temperature error 3\n");
  write(
      "bench.sh",
      "#!/bin/sh\nbegin=$(date +%s.%N)\nsleep 2\nend=$(date +%s.%N)\n"
      "cat >\"$RESULT_FILENAME.json\" <<RESULT\n{\"model_id\": \"m\", \"max_concurrency\": 1, \"completed\": 4,\n"
      "\"benchmark_start_time_unix\": $begin, \"benchmark_end_time_unix\": $end,\n"
      "\"duration\": $(echo \"$end $begin\" | awk '{print $1 - $2}'), \"total_input_tokens\": 4096,\n"
      "\"total_output_tokens\": 4096, \"total_token_throughput\": 300.0, \"output_throughput\": 100.0,\n"
      "\"median_ttft_ms\": 10.0, \"median_tpot_ms\": 5.0}\nRESULT\ncp \"$RESULT_FILENAME.json\" result.json\n",
      true);
  Program run(directory_, {"sweepctl", "run", "--output", "out", "matrix.yaml", "--", "./bench.sh"},
              {"LD_LIBRARY_PATH=" SWEEP_NVML_STAND_INS "/whole", "NVML_STAND_IN=" + path("answers"),
               "CUDA_VISIBLE_DEVICES=0,1"});
  EXPECT_EQ(run.finish(), 0) << run.err();
  std::string file;
  for (const auto& entry : std::filesystem::directory_iterator(path("out/raw"))) {
    if (entry.is_directory()) file = entry.path().string() + "/gpu_metrics.csv";
  }
  EXPECT_FALSE(exists("gpu_metrics.csv")) << "it is left in the attempt's own folder";
  const std::string csv = read(file);
  EXPECT_EQ(csv.substr(0, csv.find(',')), "timestamp") << csv;
  EXPECT_NE(csv.find(", 1, 200.00 W, [N/A], "), std::string::npos) << csv;
  write("agg.json", "{}");
  Program power(directory_, {"sweepctl", "aggregate-power", "--csv", file, "--bench-result", "result.json",
                             "--agg-result", "agg.json", "--expected-num-gpus", "2", "--require-power"});
  EXPECT_EQ(power.finish(), 0) << power.out() << power.err() << csv;
  const json agg = json::parse(read("agg.json"));
  EXPECT_EQ(agg.at("power_valid"), 1);
  EXPECT_EQ(agg.at("avg_total_gpu_power_w"), 500.0);
}

TEST_F(Telemetry, NameOfTheGpuConfirmsTheHardwareOfTheRecord) {
  const std::string idle = "0.processes 0\n1.processes 0\n0.utilization 0\n1.utilization 0\n";
  const json got = record(idle + "0.name NVIDIA-B200\n1.name NVIDIA-B200\n");
  EXPECT_EQ(got.at("hw"), "b200");
  EXPECT_EQ(got.at("hw_from"), "nvml") << got.dump(1);
}

TEST_F(Telemetry, BusyGpuMakesTheResultInvalid) {
  const std::string busy =
      "0.power 300000\n1.power 200000\n0.processes 0\n1.processes 1\n0.utilization 0\n1.utilization 99\n";
  const json got = record(busy, 3);
  EXPECT_EQ(got.at("valid"), false) << got.dump(1);
  EXPECT_NE(got.at("invalid_reasons").at(0).get<std::string>().find("gpus-busy: "), std::string::npos);
  EXPECT_NE(read("out/summary.txt").find("Not valid: 1 of 1 result"), std::string::npos);
}

}  // namespace
}  // namespace sweep
