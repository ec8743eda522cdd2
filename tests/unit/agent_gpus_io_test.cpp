// sweep-agent with a stand-in for libnvidia-ml: what Finished reports about the attempt's GPUs.
#include "tests/unit/agent_process.hpp"

namespace sweep {
namespace {

using testing::HasSubstr;

class AgentGpusProcess : public AgentProcess {
 protected:
  void begin(const std::string& answers) {
    put("answers", answers);
    listen();
    auto env = environment(client_keys_.secret_key);
    env.emplace_back("LD_LIBRARY_PATH=" SWEEP_NVML_STAND_INS "/whole");
    env.emplace_back("NVML_STAND_IN=" + path("answers"));
    start({"--", "sh", "-c",
           "echo 'Initial test run completed. Starting main benchmark run...'; sleep 2.5; echo {} > "
           "result.json"},
          std::move(env));
    ASSERT_TRUE(await<wire::Hello>());
    send(wire::Welcome{"s", false, 1'000, 10'000});
    ASSERT_TRUE(await<wire::Ready>());
    send(lease());
  }
};

TEST_F(AgentGpusProcess, PowerAndGpuNamesAreInTheAccount) {
  begin("0.power 300000\n1.power 200000\n0.processes 0\n1.processes 0\n0.utilization 0\n1.utilization 0\n");
  const auto finished = await<wire::Finished>();
  ASSERT_TRUE(finished) << printed_;
  ASSERT_TRUE(finished->account.gpu_use) << printed_;
  EXPECT_EQ(finished->account.gpu_use->power_mw, 500'000);
  EXPECT_EQ(finished->account.origin.driver.str(), "0.0 stand-in");
  EXPECT_THAT(finished->account.origin.gpus.str(), HasSubstr("stand-in"));
  EXPECT_THAT(finished->account.origin.kernel.str(), HasSubstr("Linux"));
  EXPECT_TRUE(finished->account.flaws.empty()) << finished->account.flaws.front();
}

TEST_F(AgentGpusProcess, BusyGpuIsAFlaw) {
  begin("0.power 300000\n1.power 200000\n0.processes 0\n1.processes 1\n0.utilization 0\n1.utilization 99\n");
  const auto finished = await<wire::Finished>();
  ASSERT_TRUE(finished) << printed_;
  ASSERT_EQ(finished->account.flaws.size(), 1U);
  EXPECT_THAT(finished->account.flaws[0], HasSubstr("gpus-busy: "));
}

}  // namespace
}  // namespace sweep
