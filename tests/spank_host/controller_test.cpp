// srun with its step: `sweepctl serve` as its child, from the ready line to the end of srun.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <slurm/slurm.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <tuple>

#include "proto/base/env_names.hpp"
#include "tests/spank_host/stand_in_sweepctl.hpp"

namespace spank_host {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const Options kSweep = {{"sweep-config", "a.yaml"}};

// Returns a valid ready line, or one with other words.
std::string ready_line(const std::string& endpoint = "tcp://127.0.0.1:5555",
                       const std::string& server = server_key(), const std::string& client = client_key()) {
  return "ready " + endpoint + " " + server + " " + client;
}

// srun does this in all its threads.
void block_term() {
  sigset_t term;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  sigprocmask(SIG_BLOCK, &term, nullptr);
}

void print_variable(const char* name) {
  const char* const value = getenv(name);
  print_line(std::string(name) + "=" + (value == nullptr ? "(none)" : value));
}

void expect_no_key(const Outcome& outcome) {
  for (const std::string& text : {outcome.out, outcome.err}) {
    EXPECT_THAT(text, Not(HasSubstr(kServerKeyPart)));
    EXPECT_THAT(text, Not(HasSubstr(kClientKeyPart)));
  }
}

TEST(Controller, IsStartedWithItsPipesAndItsStep) {
  const Sweepctl sweepctl;
  const Outcome outcome = run_case([&] {
    slurm.job = 345;
    slurm.step = 6;
    start_srun({sweepctl.argument(), "agent=/opt/sweep-agent"},
               {{"sweep-config", "a.yaml"}, {"sweep-output", "out"}});
  });
  EXPECT_EQ(outcome.status, kReturned);
  EXPECT_EQ(outcome.out, "checked\nstep\n");
  EXPECT_EQ(outcome.err, "");
  EXPECT_THAT(sweepctl.words("serve"),
              ElementsAre("serve", "--lifeline-fd", "3", "--ready-fd", "4", "--job", "345.6", "--agent",
                          "/opt/sweep-agent", "--config=a.yaml", "--output=out"));
}

TEST(Controller, OfAResumedSweepGetsTheOptions) {
  const Sweepctl sweepctl;
  const Outcome outcome = run_case([&] {
    start_srun({sweepctl.argument(), "agent=/opt/sweep-agent"},
               {{"sweep-resume", nullptr}, {"sweep-retry-failed", nullptr}, {"sweep-output", "out"}});
  });
  EXPECT_EQ(outcome.status, kReturned) << outcome.err;
  EXPECT_THAT(sweepctl.words("serve"),
              ElementsAre("serve", "--lifeline-fd", "3", "--ready-fd", "4", "--job", "12.0", "--agent",
                          "/opt/sweep-agent", "--output=out", "--resume", "--retry-failed"));
}

// With srun --export=NONE Slurm passes on only variables with this prefix.
TEST(Controller, AddressIsInSrunsEnvironment) {
  const Sweepctl sweepctl;
  const Outcome outcome = run_case([&] {
    setenv("SLURM_SWEEP_ENDPOINT", "tcp://old:1", 1);
    start_srun({sweepctl.argument()}, kSweep);
    for (const char* const name :
         {"SLURM_SWEEP_ENDPOINT", "SLURM_SWEEP_SERVER_KEY", "SLURM_SWEEP_CLIENT_SECRET"})
      print_variable(name);
  });
  EXPECT_THAT(lines(outcome.out), ElementsAre("checked", "step", "SLURM_SWEEP_ENDPOINT=tcp://127.0.0.1:5555",
                                              "SLURM_SWEEP_SERVER_KEY=" + server_key(),
                                              "SLURM_SWEEP_CLIENT_SECRET=" + client_key()));
  EXPECT_EQ(outcome.err, "");
}

// For agents in a container: lines before the ready line, which may arrive together with it or not.
TEST(Controller, SetsVariablesForTheStep) {
  const Sweepctl sweepctl("exit 0",
                          "printf 'set PYXIS_CONTAINER_IMAGE=a b\\nset PYXIS_CONTAINER_ENV=\\n' >&4\n"
                          "echo set SLURM_SWEEP_LOADER=/in/ld=1.so >&4\n" +
                              good_controller());
  const Outcome outcome = run_case([&] {
    start_srun({sweepctl.argument()}, kSweep);
    for (const char* const name : {"PYXIS_CONTAINER_IMAGE", "PYXIS_CONTAINER_ENV", "SLURM_SWEEP_LOADER"})
      print_variable(name);
  });
  EXPECT_THAT(lines(outcome.out), ElementsAre("checked", "step", "PYXIS_CONTAINER_IMAGE=a b",
                                              "PYXIS_CONTAINER_ENV=", "SLURM_SWEEP_LOADER=/in/ld=1.so"));
  EXPECT_EQ(outcome.err, "");
}

// Variables of another sweep, or the user's own, must not be mixed with those of this sweep. srun does not
// remove from its tasks' environment what a plugin removes from srun's: slurmstepd's part of the plugin has
// to.
TEST(Controller, VariablesThatWereSetBeforeDoNotReachTasks) {
  const auto run_both = [](const Sweepctl& sweepctl) {
    return run_case([&] {
      setenv("SLURM_SWEEP_LOADER", "/old/ld.so", 1);
      setenv("SLURM_SWEEP_UNSET", "PATH", 1);
      setenv("PYXIS_CONTAINER_NAME", "mine", 1);
      start_srun({sweepctl.argument()}, kSweep);
      slurm.context = S_CTX_REMOTE;
      Plugin({sweepctl.argument()}).hook("init");
      for (const char* const name : {"SLURM_SWEEP_LOADER", "SLURM_SWEEP_UNSET", "PYXIS_CONTAINER_NAME",
                                     "PYXIS_CONTAINER_IMAGE", "SLURM_SWEEP_ENDPOINT"}) {
        char value[256];
        const bool set = spank_getenv(nullptr, name, value, sizeof value) == ESPANK_SUCCESS;
        print_line(std::string(name) + " " + (set ? value : "gone"));
      }
    });
  };
  const Sweepctl plain;
  EXPECT_THAT(lines(run_both(plain).out),
              ElementsAre("checked", "step", "SLURM_SWEEP_LOADER gone", "SLURM_SWEEP_UNSET gone",
                          "PYXIS_CONTAINER_NAME mine", "PYXIS_CONTAINER_IMAGE gone",
                          "SLURM_SWEEP_ENDPOINT tcp://127.0.0.1:5555"));
  const Sweepctl sweepctl("exit 0", "echo set PYXIS_CONTAINER_IMAGE=x >&4\n" + good_controller());
  EXPECT_THAT(lines(run_both(sweepctl).out),
              ElementsAre("checked", "step", "SLURM_SWEEP_LOADER gone", "SLURM_SWEEP_UNSET gone",
                          "PYXIS_CONTAINER_NAME gone", "PYXIS_CONTAINER_IMAGE x",
                          "SLURM_SWEEP_ENDPOINT tcp://127.0.0.1:5555"));
}

TEST(Controller, OnlyVariablesOfSweepAndPyxisCanBeRemovedFromTasks) {
  const Outcome outcome = run_case([] {
    slurm.context = S_CTX_REMOTE;
    slurm.environment = {"PATH=/bin", "SLURM_SWEEP_UNSET=PATH,,SLURM_SWEEP_X", "SLURM_SWEEP_X=1"};
    Plugin().hook("init");
    for (const std::string& entry : slurm.environment)
      print_line(entry);
  });
  EXPECT_EQ(outcome.out, "PATH=/bin\n");
}

TEST(Controller, MayWriteItsLineInPieces) {
  const Sweepctl sweepctl("exit 0", "printf 'ready tcp://' >&4\nprintf '127.0.0.1:5555 ' >&4\n" +
                                        answer(server_key() + " " + client_key()) + "read end <&3; exit 0");
  const Outcome outcome = run_case([&] { start_srun({sweepctl.argument()}, kSweep); });
  EXPECT_EQ(outcome.status, kReturned) << outcome.err;
}

TEST(Controller, IsNotStartedBySbatch) {
  const Sweepctl sweepctl;
  const Outcome outcome = run_case([&] {
    Plugin& sbatch = start_command(S_CTX_ALLOCATOR, {sweepctl.argument()}, kSweep);
    print_line(std::to_string(sbatch.hook("local_user_init")));
    print_variable(SWEEP_ENV_ENDPOINT);
  });
  EXPECT_EQ(outcome.out, "checked\n0\nSLURM_SWEEP_ENDPOINT=(none)\n");
  EXPECT_THAT(sweepctl.words("serve"), IsEmpty());
}

// The fake sweepctl writes the file "ended" after its lifeline has closed: srun has waited for that.
TEST(Controller, IsWaitedForWhenSrunEnds) {
  const Sweepctl sweepctl;
  const Outcome outcome = run_case([&] { start_srun({sweepctl.argument()}, kSweep); });
  EXPECT_EQ(outcome.status, kReturned);
  EXPECT_EQ(outcome.err, "");
  EXPECT_TRUE(sweepctl.folder().has("ended"));
  EXPECT_TRUE(is_gone(sweepctl.pid("serve")));
}

TEST(Controller, FailureIsReportedWhenSrunEnds) {
  const std::vector<std::pair<std::string, std::string>> ends = {{"exit 7", "exit status 7"},
                                                                 {"kill -KILL $$", "signal 9 (Killed)"}};
  for (const auto& [end, words] : ends) {
    const Sweepctl sweepctl("exit 0", answer(ready_line()) + "read end <&3\n" + end);
    const Outcome outcome = run_case([&] { start_srun({sweepctl.argument()}, kSweep); });
    EXPECT_EQ(outcome.status, kReturned);
    EXPECT_THAT(lines(outcome.err),
                ElementsAre("error: sweep: the controller ended with " + words + "; see its messages above"));
  }
}

// The tasks' statuses, of which srun's is the highest, do not show it.
TEST(Controller, FailureIsSrunsFailureIfNoTaskFailed) {
  for (const auto& [controller, tasks, srun] :
       std::vector<std::tuple<int, int, int>>{{7, 0, EXIT_FAILURE}, {7, 3, 3}, {7, 143, 143}, {0, 0, 0}}) {
    const Sweepctl sweepctl("exit 0",
                            answer(ready_line()) + "read end <&3\nexit " + std::to_string(controller));
    const Outcome outcome = run_case([&, status = tasks] {
      start_srun({sweepctl.argument()}, kSweep);
      std::exit(status);
    });
    EXPECT_EQ(outcome.status, srun) << "controller " << controller << ", tasks " << tasks;
  }
}

// Slurm may call the exit hook twice, and forks of srun end through the same hooks.
TEST(Controller, IsEndedOnceAndOnlyByTheSrunThatStartedIt) {
  const Sweepctl sweepctl("exit 0", answer(ready_line()) + "read end <&3; exit 7");
  const Outcome outcome = run_case([&] {
    Plugin& srun = start_srun({sweepctl.argument()}, kSweep);
    block_term();
    const pid_t other = fork();
    if (other == 0) _exit(srun.hook("exit"));
    int status = -1;
    waitpid(other, &status, 0);
    print_line("in the fork " + std::to_string(status));
    const pid_t controller = std::atoi(sweepctl.pid("serve").c_str());
    print_line("controller " + std::to_string(waitpid(controller, nullptr, WNOHANG)));
    print_line("exit " + std::to_string(srun.hook("exit")));
    print_line("exit " + std::to_string(srun.hook("exit")));
  });
  EXPECT_EQ(outcome.status, kReturned);
  EXPECT_THAT(lines(outcome.out),
              ElementsAre("checked", "step", "in the fork 0", "controller 0", "exit 0", "exit 0"));
  EXPECT_THAT(lines(outcome.err), ElementsAre(HasSubstr("exit status 7")));
}

TEST(Controller, SigtermToAWaitingSrunIsForwarded) {
  const Sweepctl sweepctl("exit 0", answer(ready_line()) + "read end <&3; exec 7> $dir/ending; wait_forever");
  ASSERT_EQ(mkfifo(sweepctl.folder().path("ending").c_str(), 0600), 0);
  Running srun([&] {
    start_srun({sweepctl.argument()}, kSweep);
    block_term();
  });
  const int ending =
      open(sweepctl.folder().path("ending").c_str(), O_RDONLY);  // until the lifeline has closed
  kill(srun.pid(), SIGTERM);
  const Outcome outcome = srun.wait();
  close(ending);
  EXPECT_EQ(outcome.status, kReturned);
  EXPECT_THAT(outcome.err, HasSubstr("the controller ended with signal 15 (Terminated)"));
}

// Its last files may be on a disk that hangs: srun reports that and ends, and the controller continues.
TEST(Controller, ThatDoesNotEndInTimeIsLeftRunning) {
  for (const bool no_pidfd : {false, true}) {
    const Sweepctl sweepctl("exit 0", answer(ready_line()) + "read end <&3; wait_forever");
    const Outcome outcome = run_case([&] {
      slurm.no_pidfd = no_pidfd;
      start_srun({sweepctl.argument(), "end-timeout=1"}, kSweep);
    });
    const std::string pid = sweepctl.pid("serve");
    EXPECT_EQ(outcome.status, kReturned);
    EXPECT_THAT(lines(outcome.err),
                ElementsAre(AllOf(
                    HasSubstr("error: sweep: the controller (process " + pid + " on host "),
                    HasSubstr("did not end within 1 s; it continues to write its files in the background; "
                              "to wait longer, set end-timeout=SECONDS in plugstack.conf"))));
    ASSERT_GT(std::atoi(pid.c_str()), 0);
    EXPECT_EQ(kill(std::atoi(pid.c_str()), SIGKILL), 0);
  }
}

// The fake sweepctl writes into the FIFO when its lifeline closes; the FIFO reads end-of-file once the
// process has ended.
TEST(Controller, LifelineClosesWhenSrunIsKilled) {
  const Sweepctl sweepctl("exit 0",
                          "exec 7> $dir/news\n" + answer(ready_line()) + "read end <&3; echo closed >&7");
  ASSERT_EQ(mkfifo(sweepctl.folder().path("news").c_str(), 0600), 0);
  int up[2];
  ASSERT_EQ(pipe2(up, O_CLOEXEC), 0);
  Running srun([&] {
    close(up[0]);
    start_srun({sweepctl.argument()}, kSweep);
    close(up[1]);
    for (;;)
      pause();
  });
  close(up[1]);
  const int news = open(sweepctl.folder().path("news").c_str(), O_RDONLY);
  char byte = 0;
  EXPECT_EQ(read(up[0], &byte, 1), 0);  // until srun has its step
  kill(srun.pid(), SIGKILL);
  std::string text;
  while (read(news, &byte, 1) > 0)
    text += byte;
  EXPECT_EQ(text, "closed\n");
  EXPECT_EQ(srun.wait().status, 1000 + SIGKILL);
  close(news);
  close(up[0]);
}

struct NotReady {
  std::string serve;    // in shell
  std::string message;  // part of it
};

void expect_refused(const NotReady& given) {
  const Sweepctl sweepctl("exit 0", given.serve);
  const Outcome outcome = run_case([&] {
    std::atexit([] { print_variable(SWEEP_ENV_CLIENT_SECRET); });
    start_srun({sweepctl.argument(), "ready-timeout=1"}, kSweep);
  });
  SCOPED_TRACE(given.message);
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(outcome.out, "checked\nSLURM_SWEEP_CLIENT_SECRET=(none)\n");
  EXPECT_THAT(lines(outcome.err), ElementsAre(AllOf(HasSubstr("error: sweep: "), HasSubstr(given.message))));
  expect_no_key(outcome);
  EXPECT_TRUE(is_gone(sweepctl.pid("serve")));
}

// Each of these controllers runs until its lifeline closes.
TEST(NotReady, InvalidLineIsReportedWithoutItsKeys) {
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"hello", "not 'ready ENDPOINT KEY KEY'"},
      {"", "not 'ready ENDPOINT KEY KEY'"},
      {"ready " + server_key() + " " + client_key(), "not 'ready ENDPOINT KEY KEY'"},
      {ready_line() + " " + client_key(), "not 'ready ENDPOINT KEY KEY'"},
      {"set PATH=/x", "it sets a variable that is not allowed"},
      {"set PYXIS_CONTAINER_IMAGE", "not 'set NAME=VALUE'"},
      {ready_line("udp://127.0.0.1:5555"), "its endpoint is not tcp://HOST:PORT"},
      {ready_line("tcp://127.0.0.1"), "its endpoint is not tcp://HOST:PORT"},
      {ready_line("tcp://127.0.0.1:65536"), "its endpoint is not tcp://HOST:PORT"},
      {ready_line("tcp://x:1", std::string(39, 'S')), "its server key is not 40 characters of Z85"},
      {ready_line("tcp://x:1", server_key(), std::string(41, 'c')),
       "its client key is not 40 characters of Z85"},
      {ready_line("tcp://x:1", server_key(), std::string(39, 'c') + "|"),
       "its client key is not 40 characters of Z85"},
  };
  for (const auto& [line, message] : wrong)
    expect_refused({answer(line) + "read end <&3; exit 0", message});
  expect_refused({"for i in $(seq 33); do echo set PYXIS_CONTAINER_ENV= >&4; done\nread end <&3; exit 0",
                  "too many lines precede it"});
}

TEST(NotReady, LineThatIsTooLongIsNotReadToItsEnd) {
  const std::string endless = "printf '%s' '" + std::string(70'000, 'S') + "' >&4\nread end <&3; exit 0";
  expect_refused({endless, "is longer than 65536 characters"});
  expect_refused(
      {answer(ready_line() + std::string(500, 'c')) + "read end <&3; exit 0", "longer than 512 characters"});
}

TEST(NotReady, ControllerThatEndsIsReportedWithItsStatus) {
  expect_refused({"exit 3", "the controller ended before it was ready, with exit status 3"});
  expect_refused({"kill -KILL $$", "before it was ready, with signal 9 (Killed)"});
  expect_refused({"printf 'ready tcp://' >&4; exit 0", "before it was ready, with exit status 0"});
  // It closes its pipe before it ends; it must not be killed.
  expect_refused({"exec 4>&-; read end <&3; exit 5", "before it was ready, with exit status 5"});
}

TEST(NotReady, SilentControllerIsTerminated) {
  expect_refused(
      {"wait_forever",
       "was not ready within 1 s and was terminated; to allow more time, set ready-timeout=SECONDS in "
       "plugstack.conf"});
}

TEST(NotReady, HangingExecIsAbandoned) {
  const Sweepctl sweepctl;
  const Outcome outcome = run_case([&] {
    Plugin& srun = start_command(S_CTX_LOCAL, {sweepctl.argument(), "ready-timeout=1"}, kSweep);
    slurm.forks_hang = true;
    srun.hook("local_user_init");
    print_line("continued");
  });
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(outcome.out, "checked\n");
  EXPECT_THAT(
      lines(outcome.err),
      ElementsAre(AllOf(HasSubstr("cannot run " + sweepctl.folder().path("sweepctl")),
                        HasSubstr("it did not start within 1 s"), HasSubstr("ready-timeout=SECONDS"))));
}

TEST(NotReady, SweepctlThatWasRemovedIsNamed) {
  const Sweepctl sweepctl("rm $dir/sweepctl");
  const Outcome outcome = run_case([&] { start_srun({sweepctl.argument()}, kSweep); });
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("cannot run " + sweepctl.folder().path("sweepctl") + " on host "),
                                 HasSubstr("No such file or directory")));
}

struct Step {
  std::uint32_t job;
  std::set<spank_item_t> withheld;
  bool withholds_all;
  const char* message;
};

TEST(Step, SrunWithoutJobOrStepIsRefused) {
  const std::vector<Step> steps = {
      {12, {}, true, "Slurm did not provide the job id"},
      {12, {S_JOB_ID}, false, "Slurm did not provide the job id"},
      {0, {}, false, "Slurm did not provide the job id"},
      {12, {S_JOB_STEPID}, false, "Slurm did not provide the step id of job 12"},
      {0xffff0000,
       {},
       false,
       "srun --no-allocate cannot run a sweep, because a sweep needs a job; remove --no-allocate"},
  };
  for (const Step& step : steps) {
    const Sweepctl sweepctl;
    const Outcome outcome = run_case([&] {
      slurm.job = step.job;
      slurm.withheld = step.withheld;
      slurm.withholds_all = step.withholds_all;
      start_srun({sweepctl.argument()}, kSweep);
    });
    EXPECT_EQ(outcome.status, 1);
    EXPECT_EQ(outcome.err, std::string("error: sweep: ") + step.message + "\n");
    EXPECT_EQ(outcome.out, "checked\n");
    EXPECT_THAT(sweepctl.words("serve"), IsEmpty());
  }
}

// The shell of `salloc --sweep-config=…` if Slurm starts it as a step: each srun in it starts its own
// controller.
TEST(Step, InteractiveStepHasNoController) {
  const Sweepctl sweepctl;
  const Outcome outcome = run_case([&] {
    slurm.step = SLURM_INTERACTIVE_STEP;
    start_srun({sweepctl.argument()}, kSweep);
    print_variable(SWEEP_ENV_ENDPOINT);
  });
  EXPECT_EQ(outcome.status, kReturned);
  EXPECT_EQ(outcome.out, "checked\nstep\nSLURM_SWEEP_ENDPOINT=(none)\n");
  EXPECT_EQ(outcome.err, "");
  EXPECT_THAT(sweepctl.words("serve"), IsEmpty());
}

TEST(Step, SecondStepOfTheSameSrunIsRefused) {
  const Sweepctl sweepctl;
  const Outcome outcome =
      run_case([&] { start_srun({sweepctl.argument()}, kSweep).hook("local_user_init"); });
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(outcome.err,
            "error: sweep: an srun can run only one sweep, and its sweep has already been started\n");
  EXPECT_TRUE(sweepctl.folder().has("ended"));
  EXPECT_TRUE(is_gone(sweepctl.pid("serve")));
}

}  // namespace
}  // namespace spank_host
