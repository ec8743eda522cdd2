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
