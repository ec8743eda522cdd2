// srun, sbatch and salloc before an allocation: the options, and `sweepctl check`.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "proto/base/env_names.hpp"
#include "tests/spank_host/stand_in_sweepctl.hpp"

namespace spank_host {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

constexpr char kInheritedConfig[] = SWEEP_ENV_SPANK_PREFIX "sweep_config";
constexpr char kInheritedOutput[] = SWEEP_ENV_SPANK_PREFIX "sweep_output";
constexpr char kInheritedProfile[] = SWEEP_ENV_SPANK_PREFIX "sweep_profile";
constexpr char kInheritedSelect[] = SWEEP_ENV_SPANK_PREFIX "sweep_select";
constexpr char kInheritedResume[] = SWEEP_ENV_SPANK_PREFIX "sweep_resume";

Outcome request(const Sweepctl& sweepctl, const Options& options, spank_context_t context = S_CTX_LOCAL) {
  return run_case([&] { start_command(context, {sweepctl.argument()}, options); });
}

TEST(Check, GetsAllOptions) {
  for (const spank_context_t context : {S_CTX_LOCAL, S_CTX_ALLOCATOR}) {
    const Sweepctl sweepctl;
    const Outcome outcome = request(sweepctl,
                                    {{"sweep-profile", "-p.yaml"},
                                     {"sweep-config", "a.yaml,/b.yaml"},
                                     {"sweep-select", "--seq-lens 1k1k"},
                                     {"sweep-repeat", "3"},
                                     {"sweep-output", "out %j"}},
                                    context);
    EXPECT_EQ(outcome.status, kReturned);
    EXPECT_EQ(outcome.out, "checked\n");
    EXPECT_EQ(outcome.err, "");
    EXPECT_THAT(sweepctl.words("check"), ElementsAre("check", "--quiet", "--config=a.yaml",
                                                     "--config=/b.yaml", "--select=--seq-lens 1k1k",
                                                     "--repeat=3", "--output=out %j", "--profile=-p.yaml"));
    EXPECT_TRUE(is_gone(sweepctl.pid("check")));
    EXPECT_THAT(sweepctl.words("serve"), IsEmpty());
  }
}

TEST(Check, FailureEndsTheCommandBeforeAnAllocation) {
  for (const spank_context_t context : {S_CTX_LOCAL, S_CTX_ALLOCATOR}) {
    const Sweepctl sweepctl("echo 'a.yaml:3: what is this' >&2; exit 2");
    const Outcome outcome = request(sweepctl, {{"sweep-config", "a.yaml"}}, context);
    EXPECT_EQ(outcome.status, 1);
    EXPECT_EQ(outcome.out, "");
    EXPECT_THAT(lines(outcome.err),
                ElementsAre("a.yaml:3: what is this", AllOf(HasSubstr("refused before a job was allocated"),
                                                            HasSubstr("exit status 2"))));
  }
}

TEST(Check, KilledCheckIsAFailure) {
  const Sweepctl sweepctl("kill -KILL $$");
  const Outcome outcome = request(sweepctl, {{"sweep-config", "a.yaml"}});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.err, HasSubstr("signal 9 (Killed)"));
}

// If srun was started with SIGCHLD ignored, it could not wait for its children.
TEST(Check, StatusIsReadEvenIfSigchldIsIgnored) {
  const Sweepctl sweepctl("exit 2");
  const Outcome outcome = run_case([&] {
    signal(SIGCHLD, SIG_IGN);
    start_command(S_CTX_LOCAL, {sweepctl.argument()}, {{"sweep-config", "a.yaml"}});
  });
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.err, HasSubstr("exit status 2"));
}

std::string this_host() {
  char name[256] = "";
  gethostname(name, sizeof name - 1);
  return name;
}

TEST(Check, MissingSweepctlNamesFileAndHost) {
  const Outcome outcome = run_case([] {
    start_command(S_CTX_LOCAL, {"sweepctl=/nowhere/sweepctl"}, {{"sweep-config", "a.yaml"}});
  });
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(outcome.err,
            "error: sweep: cannot run /nowhere/sweepctl on host " + this_host() +
                ": No such file or directory; install slurm-sweep there, or set sweepctl=PATH in "
                "plugstack.conf\n");
}

TEST(Check, SweepctlThatIsNotExecutableIsNamed) {
  const Sweepctl sweepctl;
  chmod(sweepctl.folder().path("sweepctl").c_str(), 0644);
  const Outcome outcome = request(sweepctl, {{"sweep-config", "a.yaml"}});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.err,
              AllOf(HasSubstr(sweepctl.folder().path("sweepctl")), HasSubstr("Permission denied")));
}

TEST(Check, InvalidArgumentsAreReportedToUsersOfASweep) {
  const Sweepctl sweepctl;
  const Outcome outcome = run_case([&] {
    start_command(S_CTX_LOCAL, {"colour=blue", sweepctl.argument()}, {{"sweep-config", "a.yaml"}});
  });
  EXPECT_EQ(outcome.status, kReturned);
  EXPECT_THAT(lines(outcome.err), ElementsAre(HasSubstr("'colour=blue' is ignored")));
}

// srun blocks SIGTERM, and without its signal thread nothing receives it.
TEST(Check, SigtermToAnSrunThatBlocksItEndsAHangingCheck) {
  const Sweepctl sweepctl("exec 7> $dir/started; wait_forever");
  ASSERT_EQ(mkfifo(sweepctl.folder().path("started").c_str(), 0600), 0);
  Running srun([&] {
    sigset_t term;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, nullptr);
    start_command(S_CTX_LOCAL, {sweepctl.argument()}, {{"sweep-config", "a.yaml"}});
  });
  const int started = open(sweepctl.folder().path("started").c_str(), O_RDONLY);  // until the check runs
  kill(srun.pid(), SIGTERM);
  const Outcome outcome = srun.wait();
  close(started);
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.err, HasSubstr("signal 15 (Terminated)"));
  EXPECT_TRUE(is_gone(sweepctl.pid("check")));
}

constexpr char kCheckTooLate[] =
    "error: sweep: sweepctl check did not end within 1 s and was terminated; to allow more time, set "
    "check-timeout=SECONDS in plugstack.conf";

void expect_ended_in_time(const std::string& check, bool no_pidfd) {
  const Sweepctl sweepctl(check);
  const Outcome outcome = run_case([&] {
    slurm.no_pidfd = no_pidfd;
    start_command(S_CTX_LOCAL, {sweepctl.argument(), "check-timeout=1"}, {{"sweep-config", "a.yaml"}});
  });
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(lines(outcome.err), ElementsAre(kCheckTooLate));
  EXPECT_EQ(outcome.out, "");
  EXPECT_TRUE(is_gone(sweepctl.pid("check")));
}

TEST(Check, HangingCheckIsTerminated) {
  expect_ended_in_time("wait_forever", false);
  expect_ended_in_time("trap '' TERM; wait_forever", false);
}

// Linux before 5.3.
TEST(Check, HangingCheckIsTerminatedWithoutPidfd) {
  expect_ended_in_time("wait_forever", true);
}

TEST(Check, StatusIsReadWithoutPidfd) {
  for (const int status : {0, 3}) {
    const Sweepctl sweepctl("exit " + std::to_string(status));
    const Outcome outcome = run_case([&] {
      slurm.no_pidfd = true;
      start_command(S_CTX_LOCAL, {sweepctl.argument()}, {{"sweep-config", "a.yaml"}});
    });
    EXPECT_EQ(outcome.status, status == 0 ? kReturned : 1);
    EXPECT_EQ(outcome.err.find("exit status 3") != std::string::npos, status == 3) << outcome.err;
  }
}

// For example on a network file system that hangs.
TEST(Check, HangingExecIsAbandoned) {
  const Sweepctl sweepctl;
  const Outcome outcome = run_case([&] {
    std::atexit(
        [] { print_line(waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD ? "no child" : "a child"); });
    slurm.forks_hang = true;
    start_command(S_CTX_LOCAL, {sweepctl.argument(), "check-timeout=1"}, {{"sweep-config", "a.yaml"}});
  });
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(outcome.out, "no child\n");
  EXPECT_EQ(outcome.err,
            "error: sweep: cannot run " + sweepctl.folder().path("sweepctl") + " on host " + this_host() +
                ": it did not start within 1 s; the file system may be hanging; to allow more time, set "
                "check-timeout=SECONDS in plugstack.conf\n");
}

struct Wrong {
  Options options;
  const char* message;
};

constexpr char kResumeWithoutOutput[] =
    "--sweep-resume requires --sweep-output=DIR, the output directory of the sweep to resume";

TEST(Request, InvalidOptionsEndWithOneLine) {
  const std::vector<Wrong> requests = {
      {{{"sweep-output", "out"}}, "--sweep-output requires --sweep-config=FILE or --sweep-resume"},
      {{{"sweep-select", "x"}}, "--sweep-select requires --sweep-config=FILE or --sweep-resume"},
      {{{"sweep-profile", "x"}}, "--sweep-profile requires --sweep-config=FILE or --sweep-resume"},
      {{{"sweep-config", ""}}, "--sweep-config= is empty; give a value or remove the option"},
      {{{"sweep-config", nullptr}}, "--sweep-config= is empty; give a value or remove the option"},
      {{{"sweep-config", "a"}, {"sweep-output", ""}},
       "--sweep-output= is empty; give a value or remove the option"},
      {{{"sweep-config", "a"}, {"sweep-select", ""}},
       "--sweep-select= is empty; give a value or remove the option"},
      {{{"sweep-config", "a"}, {"sweep-profile", ""}},
       "--sweep-profile= is empty; give a value or remove the option"},
      {{{"sweep-config", "a,,b"}},
       "--sweep-config=a,,b contains an empty file name; separate files by single commas"},
      {{{"sweep-repeat", "2"}}, "--sweep-repeat requires --sweep-config=FILE or --sweep-resume"},
      {{{"sweep-config", "a"}, {"sweep-repeat", ""}},
       "--sweep-repeat= is empty; give a value or remove the option"},
      {{{"sweep-config", "a"}, {"sweep-repeat", "0"}}, "--sweep-repeat=0 must be a number from 1 to 1000"},
      {{{"sweep-config", "a"}, {"sweep-repeat", "1001"}},
       "--sweep-repeat=1001 must be a number from 1 to 1000"},
      {{{"sweep-config", "a"}, {"sweep-repeat", "2x"}}, "--sweep-repeat=2x must be a number from 1 to 1000"},
      {{{"sweep-output", "out"}, {"sweep-resume", nullptr}, {"sweep-repeat", "2"}},
       "--sweep-repeat requires --sweep-config=FILE, whose points it applies to"},
      {{{"sweep-output", "out"}, {"sweep-resume", nullptr}, {"sweep-select", "x"}},
       "--sweep-select requires --sweep-config=FILE, whose points it applies to"},
      {{{"sweep-config", "a"}, {"sweep-output", "out"}, {"sweep-resume", "always"}},
       "--sweep-resume=always: unknown value; use --sweep-resume or --sweep-resume=auto, and "
       "--sweep-output=DIR for the directory"},
      {{{"sweep-config", "a"}, {"sweep-resume", "auto"}}, kResumeWithoutOutput},
      {{{"sweep-output", "out"}, {"sweep-resume", "auto"}},
       "--sweep-resume=auto requires --sweep-config=FILE, with which the sweep is started"},
      {{{"sweep-resume", nullptr}}, kResumeWithoutOutput},
      {{{"sweep-config", "a"}, {"sweep-resume", nullptr}}, kResumeWithoutOutput},
      {{{"sweep-output", ""}, {"sweep-resume", nullptr}},
       "--sweep-output= is empty; give a value or remove the option"},
      {{{"sweep-config", ""}, {"sweep-output", "out"}, {"sweep-resume", nullptr}},
       "--sweep-config= is empty; give a value or remove the option"},
      {{{"sweep-config", "a"}, {"sweep-output", "out"}, {"sweep-retry-failed", nullptr}},
       "--sweep-retry-failed requires --sweep-resume; add --sweep-resume or remove --sweep-retry-failed"},
      {{{"sweep-output", "out"}, {"sweep-accept-changes", nullptr}},
       "--sweep-accept-changes requires --sweep-resume; add --sweep-resume or remove --sweep-accept-changes"},
      {{{"sweep-config", ","}},
       "--sweep-config=, contains an empty file name; separate files by single commas"},
  };
  for (const spank_context_t context : {S_CTX_LOCAL, S_CTX_ALLOCATOR}) {
    for (const Wrong& wrong : requests) {
      const Sweepctl sweepctl;
      const Outcome outcome = request(sweepctl, wrong.options, context);
      EXPECT_EQ(outcome.status, 1) << wrong.message;
      EXPECT_EQ(outcome.err, std::string("error: sweep: ") + wrong.message + "\n");
      EXPECT_EQ(outcome.out, "") << wrong.message;
      EXPECT_THAT(sweepctl.words("check"), IsEmpty()) << wrong.message;
    }
  }
}

TEST(Request, LastOfTwoValuesIsUsed) {
  const Sweepctl sweepctl;
  request(sweepctl, {{"sweep-config", "a.yaml"}, {"sweep-config", "b.yaml"}});
  EXPECT_THAT(sweepctl.words("check"), ElementsAre("check", "--quiet", "--config=b.yaml"));
}

// Slurm passes an option without a value as null or as an empty text.
TEST(Resume, NeedsNoConfiguration) {
  for (const char* const nothing : {static_cast<const char*>(nullptr), ""}) {
    for (const spank_context_t context : {S_CTX_LOCAL, S_CTX_ALLOCATOR}) {
      const Sweepctl sweepctl;
      const Outcome outcome =
          request(sweepctl, {{"sweep-resume", nothing}, {"sweep-output", "out"}}, context);
      EXPECT_EQ(outcome.status, kReturned);
      EXPECT_EQ(outcome.err, "");
      EXPECT_THAT(sweepctl.words("check"), ElementsAre("check", "--quiet", "--output=out", "--resume"));
    }
  }
}

TEST(Resume, IsPassedOnWithItsOptions) {
  const Sweepctl sweepctl;
  request(sweepctl, {{"sweep-accept-changes", nullptr},
                     {"sweep-retry-failed", nullptr},
                     {"sweep-resume", nullptr},
                     {"sweep-profile", "p.yaml"},
                     {"sweep-output", "out"},
                     {"sweep-select", "--seq-lens 1k1k"},
                     {"sweep-config", "a.yaml"}});
  EXPECT_THAT(sweepctl.words("check"),
              ElementsAre("check", "--quiet", "--config=a.yaml", "--select=--seq-lens 1k1k", "--output=out",
                          "--profile=p.yaml", "--resume", "--retry-failed", "--accept-changes"));
}

TEST(Resume, AutoIsPassedOn) {
  for (const spank_context_t context : {S_CTX_LOCAL, S_CTX_ALLOCATOR}) {
    const Sweepctl sweepctl;
    const Outcome outcome =
        request(sweepctl, {{"sweep-config", "a.yaml"}, {"sweep-output", "res_%j"}, {"sweep-resume", "auto"}},
                context);
    EXPECT_EQ(outcome.status, kReturned);
    EXPECT_EQ(outcome.err, "");
    EXPECT_THAT(sweepctl.words("check"),
                ElementsAre("check", "--quiet", "--config=a.yaml", "--output=res_%j", "--resume=auto"));
  }
}

// `srun --sweep-resume` inside `sbatch --sweep-resume=auto`, and the other way round.
TEST(Resume, ValueOfTheCommandLineCounts) {
  const Sweepctl sweepctl;
  request(sweepctl,
          {{"sweep-config", "a"}, {"sweep-output", "o"}, {"sweep-resume", "auto"}, {"sweep-resume", ""}});
  request(sweepctl,
          {{"sweep-config", "a"}, {"sweep-output", "o"}, {"sweep-resume", ""}, {"sweep-resume", "auto"}});
  EXPECT_THAT(sweepctl.words("check"),
              ElementsAre("check", "--quiet", "--config=a", "--output=o", "--resume", "check", "--quiet",
                          "--config=a", "--output=o", "--resume=auto"));
}

// An srun inside `sbatch --sweep-resume --sweep-output=out`. "(null)" is what Slurm 22.05 was observed to
// pass for an option without a value.
TEST(Resume, IsInheritedWithItsDirectory) {
  const Sweepctl sweepctl;
  const Outcome outcome = run_case([&] {
    setenv(kInheritedOutput, "out", 1);
    setenv(kInheritedResume, "(null)", 1);
    setenv("SLURM_SUBMIT_DIR", "/submit", 1);
    start_command(S_CTX_LOCAL, {sweepctl.argument()},
                  {{"sweep-output", "out"}, {"sweep-resume", "(null)"}, {"sweep-retry-failed", nullptr}});
  });
  EXPECT_EQ(outcome.status, kReturned) << outcome.err;
  EXPECT_THAT(sweepctl.words("check"),
              ElementsAre("check", "--quiet", "--output=/submit/out", "--resume", "--retry-failed"));
}

// An srun inside `sbatch --sweep-config=…`: Slurm first reports the values in the environment.
std::vector<std::string> check_in_a_job(const Options& options, const char* submit_dir = "/submit") {
  const Sweepctl sweepctl;
  const Outcome outcome = run_case([&] {
    setenv(kInheritedConfig, "dir/a.yaml,/b.yaml", 1);
    setenv(kInheritedSelect, "--seq-lens 1k1k", 1);
    setenv(kInheritedOutput, "out", 1);
    setenv(kInheritedProfile, "p.yaml", 1);
    if (submit_dir != nullptr) setenv("SLURM_SUBMIT_DIR", submit_dir, 1);
    start_command(S_CTX_LOCAL, {sweepctl.argument()}, options);
  });
  EXPECT_EQ(outcome.status, kReturned) << outcome.err;
  return sweepctl.words("check");
}

const Options kAllInherited = {{"sweep-config", "dir/a.yaml,/b.yaml"},
                               {"sweep-select", "--seq-lens 1k1k"},
                               {"sweep-output", "out"},
                               {"sweep-profile", "p.yaml"}};

TEST(Inherited, PathsAreRelativeToTheSubmitDirectory) {
  EXPECT_THAT(check_in_a_job(kAllInherited),
              ElementsAre("check", "--quiet", "--config=/submit/dir/a.yaml", "--config=/b.yaml",
                          "--select=--seq-lens 1k1k", "--output=/submit/out", "--profile=/submit/p.yaml"));
}

// A % in the name of the submit directory is not the beginning of a symbol.
TEST(Inherited, SymbolsInTheSubmitDirectoryAreNotReplaced) {
  EXPECT_THAT(check_in_a_job(kAllInherited, "/100%j"),
              ElementsAre("check", "--quiet", "--config=/100%j/dir/a.yaml", "--config=/b.yaml",
                          "--select=--seq-lens 1k1k", "--output=/100%%j/out", "--profile=/100%j/p.yaml"));
}

TEST(Inherited, PathsAreUnchangedWithoutASubmitDirectory) {
  EXPECT_THAT(check_in_a_job({kAllInherited[0]}, nullptr),
              ElementsAre("check", "--quiet", "--config=dir/a.yaml", "--config=/b.yaml"));
}

TEST(Inherited, ValuesOfTheCommandLineComeSecondAndAreUnchanged) {
  Options options = kAllInherited;
  options.emplace_back("sweep-config", "c.yaml");
  options.emplace_back("sweep-output", "out");  // the same value, but from the command line
  EXPECT_THAT(check_in_a_job(options),
              ElementsAre("check", "--quiet", "--config=c.yaml", "--select=--seq-lens 1k1k", "--output=out",
                          "--profile=/submit/p.yaml"));
}

TEST(Inherited, ValueOfTheCommandLineOnlyIsUnchanged) {
  EXPECT_THAT(check_in_a_job({{"sweep-config", "c.yaml"}}),
              ElementsAre("check", "--quiet", "--config=c.yaml"));
}

// sbatch with a heterogeneous job: Slurm reports options and calls init_post_opt once per component.
TEST(Components, EachIsCheckedUnlessItsOptionsAreTheSame) {
  const Sweepctl sweepctl;
  const Outcome outcome = run_case([&] {
    Plugin& sbatch = start_command(S_CTX_ALLOCATOR, {sweepctl.argument()}, {{"sweep-config", "a.yaml"}});
    sbatch.option("sweep-config", "a.yaml");
    print_line("second " + std::to_string(sbatch.hook("init_post_opt")));
    sbatch.option("sweep-config", "b.yaml");
    print_line("third " + std::to_string(sbatch.hook("init_post_opt")));
  });
  EXPECT_EQ(outcome.status, kReturned);
  EXPECT_THAT(lines(outcome.out), ElementsAre("checked", "second 0", "third 0"));
  EXPECT_THAT(sweepctl.words("check"),
              ElementsAre("check", "--quiet", "--config=a.yaml", "check", "--quiet", "--config=b.yaml"));
}

TEST(Components, InheritedValueIsResolvedInEach) {
  const Sweepctl sweepctl;
  run_case([&] {
    setenv(kInheritedConfig, "a.yaml", 1);
    setenv("SLURM_SUBMIT_DIR", "/submit", 1);
    Plugin& sbatch = start_command(S_CTX_ALLOCATOR, {sweepctl.argument()}, {{"sweep-config", "a.yaml"}});
    sbatch.option("sweep-config", "a.yaml");
    sbatch.hook("init_post_opt");
  });
  EXPECT_THAT(sweepctl.words("check"), ElementsAre("check", "--quiet", "--config=/submit/a.yaml"));
}

TEST(Components, OneSrunOverSeveralIsRefused) {
  for (const bool first : {true, false}) {
    const Sweepctl sweepctl;
    const Options sweep = {{"sweep-config", "a.yaml"}};
    const Outcome outcome = run_case([&] {
      Plugin& srun = start_command(S_CTX_LOCAL, {sweepctl.argument()}, first ? sweep : Options{});
      if (!first) srun.option("sweep-config", "a.yaml");
      srun.hook("init_post_opt");
      print_line("continued");
    });
    EXPECT_EQ(outcome.status, 1);
    EXPECT_THAT(outcome.out, Not(HasSubstr("continued")));
    EXPECT_THAT(outcome.err, HasSubstr("--het-group=N"));
  }
}

TEST(Components, SeveralWithoutASweepAreUnaffected) {
  const Outcome outcome = run_case([] {
    Plugin& srun = start_command(S_CTX_LOCAL, {}, {});
    print_line(std::to_string(srun.hook("init_post_opt")));
    print_line(std::to_string(srun.hook("local_user_init")) + std::to_string(srun.hook("local_user_init")));
  });
  EXPECT_EQ(outcome.status, kReturned);
  EXPECT_EQ(outcome.out, "checked\n0\n00\n");
  EXPECT_EQ(outcome.err, "");
}

}  // namespace
}  // namespace spank_host
