// Provenance and telemetry in the record of a result.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/view/provenance.hpp"
#include "tests/unit/view_sample.hpp"
#include "util/json.hpp"

namespace sweep::view {
namespace {

class Provenance : public ViewTest {
 protected:
  ordered_json record(const Account& account, std::int64_t tokens) {
    arrive("12.0.0", "n1", 8);
    start("12.0.0", 0, 1, Millis(1'000));
    handle(core::AttemptFinished{"12.0.0", {id(0), 1}, {}, Millis(62'000), "", account}, Millis(62'000));
    ordered_json out = {{"hw", "b200"}};
    describe_result(out, plan, state, facts, {id(0), 1}, tokens);
    return out;
  }
};

TEST_F(Provenance, RecordsOriginTimesCommandAndEnvironment) {
  plan.profile.env = {{"HF_TOKEN", "hf_private"}, {"NCCL_DEBUG", "WARN"}};
  plan.profile.container.values.runtime = "bwrap";
  plan.profile.container.values.image = "/c/{image-slug}.sqsh";
  plan.profile.container.given = {"runtime", "image"};
  Account account;
  account.origin = Origin{"Linux 6",
                          "580.1",
                          "8 x NVIDIA B200",
                          "c0ffee",
                          "22.05.8",
                          "bwrap 0.8",
                          "/c/lmsysorg_sglang_v0.5.3rc1-cu129-b200.sqsh",
                          "d:1"};
  const ordered_json out = record(account, 0)["provenance"];
  EXPECT_EQ(out["sweep"], "s1");
  EXPECT_EQ(out["point"], id(0));
  EXPECT_EQ(out["attempt"], 1);
  EXPECT_EQ(out["started"], "2023-11-14T22:13:21Z");
  EXPECT_EQ(out["ended"], "2023-11-14T22:14:23Z");
  EXPECT_EQ(out["node"], "n1");
  EXPECT_EQ(out["job"], "12");
  EXPECT_EQ(out["gpus"], "8 x NVIDIA B200");
  EXPECT_EQ(out["driver"], "580.1");
  EXPECT_EQ(out["kernel"], "Linux 6");
  EXPECT_EQ(out["slurm"], "22.05.8");
  EXPECT_EQ(out["slurm_sweep"], "0.1.0");
  EXPECT_EQ(out["image"], "lmsysorg/sglang:v0.5.3rc1-cu129-b200");
  EXPECT_EQ(out["workspace_commit"], "c0ffee");
  EXPECT_EQ(out["command"][0], "benchmarks/dsr1_fp4_b200_slurm.sh");
  EXPECT_EQ(out["environment"]["CONC"], "4");
  EXPECT_EQ(out["environment"]["NCCL_DEBUG"], "WARN");
  EXPECT_EQ(out["environment"]["HF_TOKEN"], "(set)");
  EXPECT_THAT(out.dump(), Not(HasSubstr("hf_private")));
}

TEST_F(Provenance, UnknownValuesAreOmitted) {
  const ordered_json out = record({}, 0);
  for (const char* key : {"gpus", "driver", "kernel", "slurm", "workspace_commit", "server_command", "image",
                          "container", "container_image"})
    EXPECT_FALSE(out["provenance"].contains(key)) << key;
  EXPECT_FALSE(out.contains("telemetry"));
}

TEST_F(Provenance, CommandOfTheAgentReplacesTheProfiles) {
  core::AgentInfo info;
  info.id = "12.0.0";
  info.node = "n1";
  info.gpus = {"0", "1", "2", "3", "4", "5", "6", "7"};
  info.command = {"bash", "mine.sh"};
  handle(core::Hello{info});
  const ordered_json out = record({}, 0)["provenance"];
  EXPECT_EQ(out["command"], (ordered_json{"bash", "mine.sh"}));
}

TEST_F(Provenance, ContainsNoSecretOfEnvironmentCommandOrImage) {
  plan.profile.env = {
      {"MY_PASS", "S1X"}, {"DB_PWD", "S2X"}, {"STORE", "https://u:S3X@h/"}, {"SERVER_ARGS", "--api-key S4X"}};
  core::AgentInfo info;
  info.id = "12.0.0";
  info.node = "n1";
  info.gpus = {"0", "1", "2", "3", "4", "5", "6", "7"};
  info.command = {"env", "MINE=S5X", "./b.sh", "--api-key", "S6X"};
  handle(core::Hello{info});
  Account account;
  account.origin.image = "docker://u:S7X@registry/x:1";
  const ordered_json out = record(account, 0)["provenance"];
  for (const char* secret : {"S1X", "S2X", "S3X", "S4X", "S5X", "S6X", "S7X"})
    EXPECT_THAT(out.dump(), Not(HasSubstr(secret)));
  EXPECT_EQ(out["environment"]["MY_PASS"], "(set)");
  EXPECT_EQ(out["environment"]["SERVER_ARGS"], "--api-key (set)");
  EXPECT_EQ(out["command"], (ordered_json{"env", "MINE=(set)", "./b.sh", "--api-key", "(set)"}));
  EXPECT_EQ(out["container_image"], "docker://(set)@registry/x:1");
}

TEST_F(Provenance, TelemetryHasUnitsAndEnergyPerToken) {
  Account account;
  account.gpu_use = GpuUse{Millis(60'000), 5'000'000, 300'000'000, 1'800, 71, 150'000'000'000, {"power cap"}};
  const ordered_json out = record(account, 1'000'000)["telemetry"];
  EXPECT_EQ(out["seconds"], 60.0);
  EXPECT_EQ(out["mean_power_w"], 5'000.0);
  EXPECT_EQ(out["energy_j"], 300'000.0);
  EXPECT_EQ(out["joules_per_output_token"], 0.3);
  EXPECT_EQ(out["throttled"], true);
  EXPECT_EQ(out["throttle_reasons"], (ordered_json{"power cap"}));
}

TEST_F(Provenance, EnergyPerTokenIsOmittedWithoutTokens) {
  Account account;
  account.gpu_use = GpuUse{Millis(60'000), {}, 300, {}, {}, {}, {}};
  const ordered_json out = record(account, 0)["telemetry"];
  EXPECT_FALSE(out.contains("joules_per_output_token"));
  EXPECT_FALSE(out.contains("mean_power_w"));
  EXPECT_EQ(out["throttled"], false);
}

}  // namespace
}  // namespace sweep::view
