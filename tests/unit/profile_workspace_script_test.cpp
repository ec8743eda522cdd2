// profile: which script of an InferenceX checkout runs a point.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/profile/benchmark.hpp"
#include "controller/profile/workspace_script.hpp"
#include "proto/base/inferencex_entry.hpp"
#include "util/os/run_program.hpp"

namespace sweep::profile {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Point point_of(const std::string& runner, const std::string& framework, const std::string& spec = "none",
               bool agentic = false) {
  InferenceXEntry entry;
  entry.spec_decoding = spec;
  entry.agentic = agentic;
  Point point;
  point.exp_name = "dsr1_8k1k";
  point.precision = "fp4";
  point.framework = framework;
  point.runner = runner;
  point.inferencex = std::make_shared<const InferenceXEntry>(entry);
  return point;
}

TEST(WorkspaceScript, FrameworkIsNamedFirst) {
  EXPECT_THAT(workspace_scripts(point_of("cluster:b200-nb", "sglang", "mtp")),
              ElementsAre("benchmarks/single_node/fixed_seq_len/dsr1_fp4_b200_sglang_mtp.sh",
                          "benchmarks/single_node/fixed_seq_len/dsr1_fp4_b200_mtp.sh",
                          "benchmarks/dsr1_fp4_b200_mtp_slurm.sh", "benchmarks/dsr1_fp4_b200_mtp_docker.sh"));
  EXPECT_EQ(workspace_scripts(point_of("b200-trt", "trt"))[1],
            "benchmarks/single_node/fixed_seq_len/dsr1_fp4_b200_trt.sh");
  EXPECT_EQ(workspace_scripts(point_of("cluster:mi355x-amds", "atom", "none", true))[1],
            "benchmarks/single_node/agentic/dsr1_fp4_mi355x_atom.sh");
  EXPECT_EQ(workspace_scripts(point_of("b200", "atom"))[1],
            "benchmarks/single_node/fixed_seq_len/dsr1_fp4_b200.sh");
}

TEST(WorkspaceScript, PointOfInferenceMaxHasOnlyThePlacesOf2025) {
  Point point = point_of("b200-trt", "trt");
  point.inferencex = nullptr;
  EXPECT_THAT(workspace_scripts(point),
              ElementsAre("benchmarks/dsr1_fp4_b200_trt_slurm.sh", "benchmarks/dsr1_fp4_b200_trt_docker.sh"));
}

TEST(WorkspaceScript, ReplacesOnlyTheDefaultBenchmark) {
  Profile profile;
  const Point point = point_of("b200", "sglang");
  EXPECT_EQ(benchmark_command(profile, point).value(), workspace_script_command(point));
  profile.benchmark = "./own.sh";
  EXPECT_THAT(benchmark_command(profile, point).value(), ElementsAre("./own.sh"));
}

TEST(WorkspaceScript, MissingScriptIsNamedWithThePlaces) {
  const auto ran = run_program(workspace_script_command(point_of("b200", "no-such-framework")), {});
  ASSERT_TRUE(ran) << ran.error().message;
  EXPECT_EQ(ran->status.code, 127);
  EXPECT_THAT(
      ran->out,
      HasSubstr("looked for: benchmarks/single_node/fixed_seq_len/dsr1_fp4_b200_no-such-framework.sh"));
}

}  // namespace
}  // namespace sweep::profile
