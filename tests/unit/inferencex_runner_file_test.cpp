// controller/matrix/inferencex/runner_file: the rules of section 2 of the contract, with file and line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/inferencex_samples.hpp"

namespace sweep::matrix::inferencex {
namespace {

using testing::HasSubstr;

class InferenceXRunnerFile : public InferenceXCommand {
 protected:
  // Returns the error of full-sweep with this runner file.
  std::string error_in_labels(const std::string& yaml, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> args = {"--runner-config", put("r.yaml", yaml)};
    args.insert(args.end(), more.begin(), more.end());
    return with_short_paths(message_of(run_on(kOneNode, "full-sweep", args), "full-sweep"));
  }
};

TEST_F(InferenceXRunnerFile, EachRuleIsReportedWithFileAndLine) {
  const std::string failed = "Runner config failed validation: ";
  const std::string labels = "labels:\n  x1: [a]\n";
  for (const auto& [yaml, message] : std::vector<std::pair<std::string, std::string>>{
           {"x1: [a]\n",
            "r.yaml:1: Runner config must define a labels mapping; add 'labels:' above the lists of "
            "runners"},
           {"hardware: {}\nlabels: [a]\n", "r.yaml:2: Runner config must define a labels mapping"},
           {"labels:\n  x1: a\n",
            "r.yaml:2: Runner config entry 'x1' must be a list, got str; write [name, …]"},
           {"labels:\n  x1: ~\n",
            "r.yaml:2: Runner config entry 'x1' must be a list, got NoneType; write [name, …]"},
           {"labels:\n  x1:\n  - a\n  - 5\n",
            "r.yaml:4: Runner config entry 'x1' must contain only strings, got 5; write each name in quotes"},
           {"labels:\n  x1: []\n",
            "r.yaml:2: Runner config entry 'x1' cannot be an empty list; name a runner or remove the label"},
           {labels + "nodes: 1\n",
            "r.yaml:3: " + failed + "nodes: unknown key; known keys: labels, hardware"},
           {labels + "hardware:\n  x1: { gpus-per-node: 8 }\n",
            "r.yaml:4: " + failed + "hardware.x1.available-cpu-dram-mib: required key is missing; add it"},
           {labels + "hardware:\n  x1: { available-cpu-dram-mib: 1, gpus-per-node: 0 }\n",
            "r.yaml:4: " + failed + "hardware.x1.gpus-per-node: must be greater than 0, got 0"},
           {labels + "hardware:\n  x1: { available-cpu-dram-mib: 1, gpus-per-node: 8, cpus: 1 }\n",
            "r.yaml:4: " + failed +
                "hardware.x1.cpus: unknown key; known keys: available-cpu-dram-mib, gpus-per-node"},
           {labels + "hardware: 5\n", "r.yaml:3: " + failed + "hardware: must be a mapping of labels, got 5"},
           {"labels:\n  5: [a]\n",
            "r.yaml:2: " + failed + "labels.5: the label must be text; write it in quotes"}}) {
    EXPECT_EQ(error_in_labels(yaml), message) << yaml;
  }
  EXPECT_THAT(error_in_labels("- x1\n"),
              HasSubstr("r.yaml:1: Runner config failed validation: must be a mapping"));
}

TEST_F(InferenceXRunnerFile, MissingFileIsReported) {
  EXPECT_EQ(message_of(run_on(kOneNode, "full-sweep", {"--runner-config", "/nowhere"}), "full-sweep"),
            "Runner config file '/nowhere' does not exist.");
}

TEST_F(InferenceXRunnerFile, RunnerTypeMustBeALabel) {
  EXPECT_EQ(error_in_labels("labels:\n  x2: [a]\n  x1: [b]\n", {"--runner-type", "x1", "nope"}),
            "Invalid runner type(s): {'nope'}. Valid runner types are: x1, x2");
}

}  // namespace
}  // namespace sweep::matrix::inferencex
