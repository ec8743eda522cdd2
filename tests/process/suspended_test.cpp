// A sweep whose processes are all stopped for a while, as `scontrol suspend` does, and then continued.
#include <poll.h>

#include <csignal>

#include "proto/base/outcome.hpp"
#include "tests/process/waiting_sweep.hpp"
#include "util/json.hpp"
#include "util/os/proc.hpp"

namespace sweep {
namespace {

class SuspendedSweep : public WaitingSweep {
 protected:
  /// Stops the program and everything that it started for this time.
  static void suspend(const Program& program, Millis time) {
    auto all = descendants_of(program.pid());
    all.push_back(program.pid());
    for (const pid_t pid : all)
      ::kill(pid, SIGSTOP);
    ::poll(nullptr, 0, static_cast<int>(time.count()));
    for (const pid_t pid : all)
      ::kill(pid, SIGCONT);
  }
};

// The pause is longer than all of its limits.
TEST_F(SuspendedSweep, GoesOnAfterItsResumeAndDoesNotTrustTheResult) {
  prepare();
  write("profile.yaml",
        "gpus: ignore\n"
        "timeouts: { kill-grace: 500ms, heartbeat: 500ms, agent: 2s, away: 3s, point: 8s }\n");
  Program run(directory_, command_);
  ASSERT_TRUE(benchmark_waits()) << run.err();
  suspend(run, Millis(9'000));
  ASSERT_TRUE(run.wait_for_error("the controller stood still for ")) << run.err();
  let_benchmark_end();
  EXPECT_EQ(run.finish(), kNotValidStatus) << run.err();
  EXPECT_EQ(run.err().find("is gone"), std::string::npos) << run.err();
  const auto manifest = nlohmann::json::parse(read("out/manifest.json"));
  const auto& attempts = manifest.at("points").at(0).at("attempts");
  ASSERT_EQ(attempts.size(), 1U);
  EXPECT_EQ(attempts.at(0).at("outcome").at("kind"), "ok");
  const auto reasons = attempts.at(0).at("invalid_reasons").get<std::vector<std::string>>();
  ASSERT_EQ(reasons.size(), 1U);
  EXPECT_TRUE(reasons[0].starts_with("suspended: ")) << reasons[0];
}

// The agent would wake 10 s later otherwise, for its next heartbeat.
TEST_F(SuspendedSweep, PauseThatEndsBeforeTheNextHeartbeatIsNoticed) {
  prepare();
  Program run(directory_, command_);
  ASSERT_TRUE(benchmark_waits()) << run.err();
  suspend(run, Millis(7'000));
  let_benchmark_end();
  EXPECT_EQ(run.finish(), kNotValidStatus) << run.err();
  EXPECT_NE(read("out/manifest.json").find("suspended: "), std::string::npos);
}

}  // namespace
}  // namespace sweep
