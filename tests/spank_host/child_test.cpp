// What the plugin's children inherit: descriptors and signals. The children are this program, see main.cpp.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "tests/spank_host/stand_in_sweepctl.hpp"

namespace spank_host {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::StartsWith;
using testing::UnorderedElementsAre;

class Inheritance : public testing::Test {
 protected:
  // Acts as srun from start to end, after `prepare`.
  Outcome run_srun(const std::function<void()>& prepare) {
    return run_case([&] {
      prepare();
      setenv("SPANK_HOST_PROBE", folder_.path("seen").c_str(), 1);
      const std::string self = std::filesystem::read_symlink("/proc/self/exe");
      slurm.context = S_CTX_LOCAL;
      Plugin srun({"sweepctl=" + self});
      srun.hook("init");
      srun.option("sweep-config", "a.yaml");
      for (const char* const hook : {"init_post_opt", "local_user_init", "exit"})
        srun.hook(hook);
    });
  }

  std::vector<std::string> seen(const std::string& command, const std::string& kind) const {
    std::vector<std::string> result;
    for (const std::string& line : lines(folder_.text("seen." + command))) {
      if (line.compare(0, kind.size(), kind) == 0) result.push_back(line);
    }
    return result;
  }

  Folder folder_;
};

// srun's other descriptors may lack close-on-exec, for example those of other plugins.
TEST_F(Inheritance, ChildrenHaveOnlyTheirDescriptors) {
  const Outcome outcome = run_srun([] {
    for (int number = 3; number < 20; ++number)
      dup2(STDOUT_FILENO, number);
  });
  EXPECT_EQ(outcome.status, kReturned);
  EXPECT_EQ(outcome.err, "");
  EXPECT_THAT(seen("check", "fd"), UnorderedElementsAre("fd 0 /dev/null", StartsWith("fd 1 /memfd:out"),
                                                        StartsWith("fd 2 /memfd:err")));
  EXPECT_THAT(seen("serve", "fd"),
              UnorderedElementsAre("fd 0 /dev/null", StartsWith("fd 1 /memfd:out"),
                                   StartsWith("fd 2 /memfd:err"), "fd 3 pipe:", "fd 4 pipe:"));
}

// If stdin, stdout and stderr are closed, a pipe must not get their numbers, or messages would be written
// into it; and in the child not the database.
TEST_F(Inheritance, NoPipeReplacesAClosedStdout) {
  const Outcome outcome = run_srun([] {
    close(STDIN_FILENO);
    close(STDOUT_FILENO);
    close(STDERR_FILENO);
  });
  EXPECT_EQ(outcome.status, kReturned);
  EXPECT_THAT(seen("check", "fd"),
              UnorderedElementsAre("fd 0 /dev/null", "fd 1 /dev/null", "fd 2 /dev/null"));
  EXPECT_THAT(seen("serve", "fd"), UnorderedElementsAre("fd 0 /dev/null", "fd 1 /dev/null", "fd 2 /dev/null",
                                                        "fd 3 pipe:", "fd 4 pipe:"));
}

TEST_F(Inheritance, SrunKeepsItsLifelineOffTheStandardNumbers) {
  const Sweepctl sweepctl;
  const Outcome outcome = run_case([&] {
    close(STDIN_FILENO);
    close(STDERR_FILENO);
    start_srun({sweepctl.argument()}, {{"sweep-config", "a.yaml"}});
    for (const int number : {STDIN_FILENO, STDERR_FILENO})
      print_line(std::to_string(number) + (fcntl(number, F_GETFD) < 0 ? " closed" : " open"));
    for (int number = 3; number < 64; ++number) {
      char target[64] = "";
      const std::string link = "/proc/self/fd/" + std::to_string(number);
      if (readlink(link.c_str(), target, sizeof target - 1) < 0 || std::string(target, 5) != "pipe:")
        continue;
      print_line(fcntl(number, F_GETFD) == FD_CLOEXEC ? "lifeline, closed on exec"
                                                      : "a pipe that others inherit");
    }
  });
  EXPECT_EQ(outcome.status, kReturned);
  EXPECT_THAT(lines(outcome.out),
              ElementsAre("checked", "step", "0 closed", "2 closed", "lifeline, closed on exec"));
}

// Signals that the user ignores (nohup) stay ignored; other signals that srun ignores or blocks do not.
TEST_F(Inheritance, ChildrenStartWithOrdinarySignals) {
  const Outcome outcome = run_srun([] {
    signal(SIGHUP, SIG_IGN);
    signal(SIGINT, SIG_DFL);  // the tests may have been started with other handlers
    signal(SIGQUIT, SIG_DFL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGUSR1, SIG_IGN);
    signal(SIGCHLD, SIG_IGN);
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, nullptr);
  });
  EXPECT_EQ(outcome.status, kReturned);
  for (const char* const command : {"check", "serve"})
    EXPECT_THAT(seen(command, "Sig"), ElementsAre("SigBlk:\t0000000000000000", "SigIgn:\t0000000000000001"));
}

TEST_F(Inheritance, SrunsSignalMaskIsUnchanged) {
  const Outcome outcome = run_case([] {
    const Sweepctl sweepctl;
    sigset_t before;
    sigemptyset(&before);
    sigaddset(&before, SIGINT);
    sigprocmask(SIG_SETMASK, &before, nullptr);
    start_srun({sweepctl.argument()}, {{"sweep-config", "a.yaml"}});
    sigset_t after;
    sigprocmask(SIG_SETMASK, nullptr, &after);
    for (int number = 1; number < 32; ++number) {
      if (sigismember(&after, number) == 1) print_line("blocked " + std::to_string(number));
    }
  });
  EXPECT_THAT(lines(outcome.out), ElementsAre("checked", "step", "blocked 2"));
}

}  // namespace
}  // namespace spank_host
