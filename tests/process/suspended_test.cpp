// A sweep whose processes are all stopped for a while, as `scontrol suspend` does, and then continued.
#include <fcntl.h>
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

// After a suspension the agent asks Slurm again when the job ends. The process that asks is a child of the
// agent, as are processes that a benchmark leaves.
TEST_F(SuspendedSweep, QuestionToSlurmIsNotEndedWithAnAttempt) {
  prepare();
  write_matrix({1, 2});
  std::filesystem::create_directories(directory_ / "bin");
  const Fd asks = make_fifo("asks"), answer = make_fifo("answer"), answered = make_fifo("answered");
  write("bin/scontrol",
        "#!/bin/sh\n[ \"$3\" = job ] || exit 0\n"
        "if [ -e suspended ]; then echo asks >asks; read line <>answer; echo answered >answered; fi\n"
        "echo 'JobId=12 OverSubscribe=NO EndTime=Unknown'\n",
        true);
  // Without a writer the FIFO would be at its end between the two benchmarks.
  const Fd writer(::open(path("started").c_str(), O_WRONLY | O_CLOEXEC));
  write("bin/srun",
        "#!/bin/sh\nwhile [ \"${1#--}\" != \"$1\" ]; do shift; done\n"
        "export SLURM_STEP_ID=0 SLURM_PROCID=0 SLURM_NTASKS=1 SLURMD_NODENAME=n1\nexec \"$@\"\n",
        true);
  Program run(directory_, command_,
              {"PATH=" + path("bin") + ":/usr/bin:/bin", "SLURM_JOB_ID=12", "SLURM_JOB_NUM_NODES=1"});
  ASSERT_TRUE(benchmark_waits()) << run.err();
  write("suspended", "");
  suspend(run, Millis(7'000));
  ASSERT_EQ(next_line(asks), "asks\n") << run.err();
  let_benchmark_end();
  ASSERT_TRUE(benchmark_waits()) << run.err();
  write("answer", "go\n");
  ASSERT_EQ(next_line(answered), "answered\n") << run.err();
  let_benchmark_end();
  EXPECT_EQ(run.finish(), kNotValidStatus) << run.err();
  EXPECT_EQ(run.err().find("cannot determine when the job ends"), std::string::npos) << run.err();
}

}  // namespace
}  // namespace sweep
