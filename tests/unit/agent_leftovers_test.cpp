// agent/io/leftovers with real processes: those of this step's attempts are killed, and no others.
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <list>

#include "agent/io/leftovers.hpp"
#include "util/os/proc.hpp"
#include "util/os/process.hpp"

namespace sweep::agent {
namespace {

using Words = std::vector<std::string>;

const Words kStep = {"SLURM_JOB_ID=7", "SLURM_STEP_ID=0", "SLURMD_NODENAME=n1"};

class Leftovers : public testing::Test {
 protected:
  ~Leftovers() override {
    for (const Child& child : children_) {
      signal_child(child, SIGKILL);
      wait_for(child);
    }
  }
  /// Starts a process with this environment, like one that an agent has left.
  const Child& start_process(Words environment) {
    SpawnSpec spec;
    environment.emplace_back("PATH=/usr/bin:/bin");
    spec.argv = {"sleep", "600"};
    spec.environment = std::move(environment);
    auto child = spawn(spec);
    EXPECT_TRUE(child);
    children_.push_back(std::move(*child));
    return children_.back();
  }
  static void wait_for(const Child& child) {
    pollfd end{child.pidfd.get(), POLLIN, 0};
    ::poll(&end, 1, 10'000);
    reap(child.pid);
  }
  static bool is_alive(const Child& child) {
    pollfd end{child.pidfd.get(), POLLIN, 0};
    return ::poll(&end, 1, 0) == 0;
  }
  static Words step_with(Words more) {
    more.insert(more.begin(), kStep.begin(), kStep.end());
    return more;
  }
  std::list<Child> children_;
};

TEST_F(Leftovers, ProcessesOfThisStepsAttemptsAreKilled) {
  const Child& one = start_process(step_with({"SWEEP_ATTEMPT=abc.1"}));
  const Child& two = start_process(step_with({"A=b", "SWEEP_ATTEMPT=server.2"}));
  EXPECT_EQ(kill_leftovers(kStep, Millis(5'000)), 2);
  wait_for(one);
  wait_for(two);
  EXPECT_EQ(kill_leftovers(kStep, Millis(5'000)), 0);
}

// The kernel shows no environment of a process in the middle of an exec, so it is looked at again.
TEST_F(Leftovers, LivingProcessThatShowsNoEnvironmentMayBeInExec) {
  SpawnSpec spec;
  spec.argv = {"/bin/sleep", "600"};
  auto bare = spawn(spec);
  ASSERT_TRUE(bare);
  children_.push_back(std::move(*bare));
  const Child& one = children_.back();
  const auto shows_program = [&] {
    std::ifstream line("/proc/" + std::to_string(one.pid) + "/cmdline");
    return line.peek() != std::ifstream::traits_type::eof();
  };
  while (!shows_program()) {
  }
  EXPECT_TRUE(may_be_in_exec(one.pid));
  EXPECT_FALSE(may_be_in_exec(::getpid())) << "it has an environment";
  EXPECT_FALSE(may_be_in_exec(1 << 30)) << "there is none";
  signal_child(one, SIGKILL);
  pollfd end{one.pidfd.get(), POLLIN, 0};
  ASSERT_EQ(::poll(&end, 1, 10'000), 1);
  EXPECT_FALSE(may_be_in_exec(one.pid)) << "a zombie has none, and never will";
}

TEST_F(Leftovers, OtherProcessesAreNotKilled) {
  const Child* const others[] = {
      &start_process(kStep),                                   // not of an attempt
      &start_process(step_with({"NOT_SWEEP_ATTEMPT=abc.1"})),  // not of an attempt either
      &start_process({"SLURM_JOB_ID=7", "SLURM_STEP_ID=1", "SLURMD_NODENAME=n1", "SWEEP_ATTEMPT=abc.1"}),
      &start_process({"SLURM_JOB_ID=70", "SLURM_STEP_ID=0", "SLURMD_NODENAME=n1", "SWEEP_ATTEMPT=abc.1"}),
      // Several nodes may run on one machine.
      &start_process({"SLURM_JOB_ID=7", "SLURM_STEP_ID=0", "SLURMD_NODENAME=n2", "SWEEP_ATTEMPT=abc.1"}),
      &start_process({"SWEEP_ATTEMPT=abc.1"}),
  };
  EXPECT_EQ(kill_leftovers(kStep, Millis(1'000)), 0);
  for (const Child* other : others)
    EXPECT_TRUE(is_alive(*other));
}

TEST_F(Leftovers, WithoutAStepNothingIsKilled) {
  const Child& one = start_process({"SWEEP_ATTEMPT=abc.1"});
  EXPECT_EQ(kill_leftovers({}, Millis(1'000)), 0);
  EXPECT_EQ(kill_leftovers({"SLURM_JOB_ID=", "SLURM_STEP_ID=", "SLURMD_NODENAME="}, Millis(1'000)), 0);
  EXPECT_TRUE(is_alive(one));
}

}  // namespace
}  // namespace sweep::agent
