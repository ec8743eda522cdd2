// slurmstepd: task_init runs the agent in place of the command, in ordinary steps of a sweep only.
#include <gmock/gmock.h>
#include <slurm/slurm.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <limits>

#include "proto/base/env_names.hpp"
#include "tests/spank_host/stand_in_sweepctl.hpp"

namespace spank_host {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;
using testing::StartsWith;

const std::vector<std::string> kJobEnvironment = {"PATH=/job/bin", SWEEP_ENV_ENDPOINT "=tcp://127.0.0.1:5555",
                                                  "SLURMD_NODENAME=node17", "EMPTY="};

// Runs a task of a sweep, which `change` may modify.
Outcome task(
    const std::vector<std::string>& arguments, const std::function<void()>& change = [] {}) {
  return run_case([&] {
    slurm.context = S_CTX_REMOTE;
    slurm.step = 3;
    slurm.command = {"bench.sh", "a b", ""};
    slurm.environment = kJobEnvironment;
    slurm.options = {{"sweep-config", "a.yaml"}};
    change();
    Plugin plugin(arguments);
    plugin.hook("init");
    plugin.hook("init_post_opt");
    print_line("task_init " + std::to_string(plugin.hook("task_init")));
  });
}

class Agent {
 public:
  std::string argument() const { return "agent=" + path_; }
  const std::string& path() const { return path_; }

 private:
  Folder folder_;
  std::string path_ =
      folder_.program("agent", "#!/bin/sh\nfor word; do printf '[%s]\\n' \"$word\"; done\nexit 5\n");
};

// The process of the case becomes the agent, so its exit status is the agent's.
TEST(Task, BecomesTheAgent) {
  const Agent agent;
  const Outcome outcome = task({agent.argument()});
  EXPECT_EQ(outcome.status, 5);
  EXPECT_THAT(lines(outcome.out), ElementsAre("[--]", "[bench.sh]", "[a b]", "[]"));
  EXPECT_EQ(outcome.err, "");
}

// /usr/bin/env as the agent prints its environment.
TEST(Task, AgentHasOnlyTheJobsEnvironment) {
  const Outcome outcome = task({"agent=/usr/bin/env"}, [] {
    setenv("OF_SLURMSTEPD", "1", 1);
    slurm.command = {"/usr/bin/env"};
  });
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(lines(outcome.out), ElementsAreArray(kJobEnvironment));
}

TEST(Task, OfTheHighestOrdinaryStepBecomesTheAgent) {
  const Agent agent;
  EXPECT_EQ(task({agent.argument()}, [] { slurm.step = SLURM_MAX_NORMAL_STEP_ID; }).status, 5);
}

TEST(Task, OfAResumedSweepBecomesTheAgent) {
  const Agent agent;
  EXPECT_EQ(task({agent.argument()}, [] { slurm.options = {{"sweep-resume", ""}}; }).status, 5);
}

TEST(Task, WithALongEndpointBecomesTheAgent) {
  const Agent agent;
  const Outcome outcome = task({agent.argument()}, [] {
    slurm.environment = {SWEEP_ENV_ENDPOINT "=tcp://" + std::string(2000, 'h') + ":1"};
  });
  EXPECT_EQ(outcome.status, 5);
}

void expect_untouched(const std::string& what, const std::function<void()>& change) {
  const Agent agent;
  const Outcome outcome = task({agent.argument()}, change);
  EXPECT_EQ(outcome.status, kReturned) << what;
  EXPECT_EQ(outcome.out, "task_init 0\n") << what;
  EXPECT_EQ(outcome.err, "") << what;
}

TEST(Task, OfAnyOtherKindIsUnchanged) {
  expect_untouched("batch script", [] { slurm.step = SLURM_BATCH_SCRIPT; });
  expect_untouched("extern step", [] { slurm.step = SLURM_EXTERN_CONT; });
  expect_untouched("interactive step", [] { slurm.step = SLURM_INTERACTIVE_STEP; });
  expect_untouched("step without id", [] { slurm.step = SLURM_PENDING_STEP; });
  expect_untouched("no sweep", [] { slurm.options.clear(); });
  expect_untouched("other options only", [] {
    slurm.options = {{"sweep-output", "out"}, {"sweep-retry-failed", ""}};
  });
  expect_untouched("no controller", [] { slurm.environment = {"PATH=/bin"}; });
  expect_untouched("no items at all", [] { slurm.withholds_all = true; });
  expect_untouched("srun", [] { slurm.context = S_CTX_LOCAL; });
  expect_untouched("slurmd", [] { slurm.context = S_CTX_SLURMD; });
}

TEST(Task, WithoutItsAgentNamesFileAndNode) {
  const Outcome outcome = task({"agent=/nowhere/sweep-agent"});
  EXPECT_EQ(outcome.status, 127);
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(
      outcome.err,
      "sweep: cannot run /nowhere/sweep-agent on node node17: No such file or directory; install slurm-sweep "
      "there, or set agent=PATH in plugstack.conf\n");
}

// In a pyxis container the agent is started by the loader that the controller has named, with the libraries
// beside it. Here the loader is a script that prints its arguments.
TEST(Task, InAnImageIsStartedByTheNamedLoader) {
  const Agent loader;
  const std::string folder = loader.path().substr(0, loader.path().rfind('/'));
  const Outcome outcome = task({"agent=/nowhere/sweep-agent"}, [&] {
    slurm.environment.push_back(SWEEP_ENV_LOADER "=" + loader.path());
    slurm.environment.push_back(SWEEP_ENV_AGENT "=/run/slurm-sweep/bin/sweep-agent");
  });
  EXPECT_EQ(outcome.status, 5) << outcome.err;
  EXPECT_THAT(lines(outcome.out),
              ElementsAre("[--library-path]", "[" + folder + "]", "[/run/slurm-sweep/bin/sweep-agent]",
                          "[--]", "[bench.sh]", "[a b]", "[]"));
}

TEST(Task, OutsideItsImageReportsWhatMayBeWrong) {
  const Outcome outcome =
      task({"agent=/bin/true"}, [] { slurm.environment.push_back(SWEEP_ENV_LOADER "=/nowhere/ld.so"); });
  EXPECT_EQ(outcome.status, 127);
  EXPECT_THAT(outcome.err, AllOf(StartsWith("sweep: cannot run /nowhere/ld.so on node node17: "),
                                 HasSubstr("its line in plugstack.conf before that of slurm-sweep")));
}

TEST(Task, NamesTheHostIfSlurmNamesNoNode) {
  char host[256] = "";
  ASSERT_EQ(gethostname(host, sizeof host - 1), 0);
  const Outcome outcome =
      task({"agent=/nowhere/sweep-agent"}, [] { slurm.environment = {SWEEP_ENV_ENDPOINT "=tcp://h:1"}; });
  EXPECT_THAT(outcome.err,
              StartsWith(std::string("sweep: cannot run /nowhere/sweep-agent on node ") + host + ": "));
}

TEST(Task, AgentThatIsNotExecutableIsNamed) {
  const Agent agent;
  ASSERT_EQ(chmod(agent.path().c_str(), 0644), 0);
  const Outcome outcome = task({agent.argument()});
  EXPECT_EQ(outcome.status, 126);
  EXPECT_THAT(outcome.err,
              AllOf(HasSubstr(agent.path() + " on node node17"), HasSubstr("Permission denied")));
  EXPECT_EQ(task({"agent=/usr"}).status, 126);
}

// Slurm passes the file's name and its text in place of a command.
TEST(Task, OfMultiProgIsRefused) {
  const Agent agent;
  const Outcome outcome = task({agent.argument()}, [] {
    slurm.command = {"multi.conf", "# tasks\n0 hostname\n1-3 echo task:%t\n"};
  });
  EXPECT_EQ(outcome.status, 126);
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(outcome.err, StartsWith("sweep: srun --multi-prog cannot run a sweep"));
}

TEST(Task, FailsIfSlurmWithholdsItsCommand) {
  for (const spank_item_t item : {S_JOB_ARGV, S_JOB_ENV}) {
    const Agent agent;
    const Outcome outcome = task({agent.argument()}, [&] { slurm.withheld = {item}; });
    EXPECT_EQ(outcome.status, 126);
    EXPECT_EQ(outcome.out, "");
    EXPECT_EQ(outcome.err, "sweep: Slurm did not provide the command or the environment of this task\n");
  }
}

// The task fails, not the hook: an error of the hook would affect slurmstepd.
TEST(Task, FailsByItselfOnExceptions) {
  const Agent agent;
  const Outcome outcome = task({agent.argument()}, [] { slurm.count_of_words = -1; });
  EXPECT_EQ(outcome.status, 126);
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(lines(outcome.err), ElementsAre(StartsWith("sweep: cannot start the agent: ")));
}

TEST(Task, FailsByItselfWithoutMemory) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "the address sanitizer reserves more memory than this limit";
#endif
  const Agent agent;
  const Outcome outcome = task({agent.argument()}, [] {
    const rlimit limit = {rlim_t{4} << 30, rlim_t{4} << 30};
    setrlimit(RLIMIT_AS, &limit);
    slurm.count_of_words = std::numeric_limits<int>::max();
  });
  EXPECT_EQ(outcome.status, 126);
  EXPECT_EQ(outcome.err, "sweep: cannot start the agent: std::bad_alloc\n");
}

// ---- the end of a step

/// A fake agent that writes its arguments and its user into a file.
class FakeAgent {
 public:
  std::string argument() const { return "agent=" + path_; }
  std::string recorded() const {
    std::ifstream file(seen_);
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  Folder folder_;
  std::string seen_ = folder_.program("seen", "");
  std::string path_ = folder_.program(
      "agent",
      "#!/bin/sh\necho out; echo err >&2\necho \"$* as $(/usr/bin/id -u):$(/usr/bin/id -g), $PATH\" >" +
          seen_ + "\n");
  // So that the step's user can write it.
  int opened_ = ::chmod(seen_.c_str(), 0666) + ::chmod(seen_.substr(0, seen_.rfind('/')).c_str(), 0755);
};

Outcome step_end(
    const std::vector<std::string>& arguments, const std::function<void()>& change = [] {}) {
  return run_case([&] {
    slurm.context = S_CTX_REMOTE;
    slurm.step = 3;
    slurm.environment = kJobEnvironment;
    slurm.options = {{"sweep-config", "a.yaml"}};
    if (getuid() != 0) slurm.uid = getuid(), slurm.gid = getgid();
    change();
    Plugin plugin(arguments);
    plugin.hook("init");
    plugin.hook("init_post_opt");
    plugin.hook("user_init");
    print_line("exit " + std::to_string(plugin.hook("exit")));
  });
}

TEST(StepEnd, AgentCleansUpAsTheUserWithoutOutput) {
  const FakeAgent agent;
  const Outcome outcome = step_end({agent.argument()});
  EXPECT_EQ(outcome.err, "");
  EXPECT_THAT(lines(outcome.out), ElementsAre("exit 0"));
  const std::string who =
      getuid() == 0 ? "65534:65534" : std::to_string(getuid()) + ":" + std::to_string(getgid());
  EXPECT_EQ(agent.recorded(),
            "--tidy as " + who + ", /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n");
}

TEST(StepEnd, AgentGetsACleanEnvironmentAndNoDescriptors) {
  Folder folder;
  const std::string seen = folder.program("seen", "");
  ASSERT_EQ(chmod(seen.c_str(), 0666) + chmod(seen.substr(0, seen.rfind('/')).c_str(), 0755), 0);
  const std::string agent =
      folder.program("agent", "#!/bin/sh\nenv >" + seen + "\nls /proc/$$/fd | tr '\\n' ' ' >>" + seen + "\n");
  const Outcome outcome = step_end({"agent=" + agent}, [] {
    slurm.environment.insert(slurm.environment.end(),
                             {"LD_PRELOAD=/evil.so", "LD_LIBRARY_PATH=/evil", "BASH_ENV=/evil",
                              "TMPDIR=/scratch", "SLURM_JOB_ID=7", SWEEP_ENV_CLIENT_SECRET "=s3cr3t"});
    static_cast<void>(dup2(1, 199));
  });
  EXPECT_EQ(outcome.status, kReturned);
  std::ifstream file(seen);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  EXPECT_THAT(text, HasSubstr("TMPDIR=/scratch\n"));
  EXPECT_THAT(text, HasSubstr("SLURM_JOB_ID=7\n"));
  for (const char* absent : {"LD_", "BASH_ENV", "s3cr3t", "/job/bin", " 199 "})
    EXPECT_THAT(text, testing::Not(HasSubstr(absent)));
}

TEST(StepEnd, NothingIsStartedForOtherSteps) {
  const FakeAgent agent;
  for (const std::function<void()>& change : std::vector<std::function<void()>>{
           [] { slurm.options.clear(); }, [] { slurm.step = SLURM_BATCH_SCRIPT; },
           [] { slurm.environment = {"PATH=/job/bin"}; }, [] { slurm.withheld = {S_JOB_UID}; },
           [] { slurm.withheld = {S_JOB_ENV}; }, [] { slurm.context = S_CTX_SLURMD; }}) {
    const Outcome outcome = step_end({agent.argument()}, change);
    EXPECT_EQ(outcome.err, "");
    EXPECT_THAT(lines(outcome.out), ElementsAre("exit 0"));
    EXPECT_EQ(agent.recorded(), "");
  }
}

TEST(StepEnd, BatchScriptThatStartsNoSweepIsReported) {
  const Folder folder;
  const FakeAgent agent;
  const auto end_of = [&](const std::string& text) {
    const std::string script = folder.program("script", text);
    return step_end({agent.argument()}, [script] {
      slurm.step = SLURM_BATCH_SCRIPT;
      slurm.command = {script};
    });
  };
  const Outcome without = end_of("#!/bin/sh\n#SBATCH --sweep-config=a.yaml\n./b.sh\n");
  EXPECT_THAT(lines(without.err),
              ElementsAre(StartsWith("error: sweep: no sweep was run by this batch script, unless a program "
                                     "that it calls has run srun: ")));
  EXPECT_THAT(lines(without.out), ElementsAre("exit 0"));
  EXPECT_EQ(agent.recorded(), "");
  EXPECT_EQ(end_of("#!/bin/sh\nsrun ./b.sh\n").err, "");
  const Outcome other = step_end({agent.argument()}, [&] {
    slurm.step = SLURM_BATCH_SCRIPT;
    slurm.command = {folder.program("script", "#!/bin/sh\n./b.sh\n")};
    slurm.options.clear();
  });
  EXPECT_EQ(other.err, "") << "sbatch was not given the option";
}

TEST(StepEnd, MissingAgentIsIgnored) {
  const Outcome outcome = step_end({"agent=/nonexistent/sweep-agent"});
  EXPECT_EQ(outcome.err, "");
  EXPECT_THAT(lines(outcome.out), ElementsAre("exit 0"));
}

}  // namespace
}  // namespace spank_host
