// The plugin as Slurm loads it: symbols, libraries, options; and that it has no effect without --sweep
// options.
#include <gmock/gmock.h>
#include <signal.h>
#include <slurm/slurm_errno.h>
#include <slurm/slurm_version.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

#include "proto/base/env_names.hpp"
#include "tests/spank_host/stand_in_sweepctl.hpp"

namespace spank_host {
namespace {

using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;
using testing::Not;
using testing::UnorderedElementsAreArray;

std::vector<std::string> output_of(const std::string& command) {
  FILE* const pipe = popen(command.c_str(), "r");
  std::string text;
  char buffer[4096];
  for (std::size_t got; (got = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;)
    text.append(buffer, got);
  EXPECT_EQ(pclose(pipe), 0) << command;
  return lines(text);
}

// Returns the last word of each line, without a version such as @GLIBC_2.2.5.
std::vector<std::string> symbols(const std::string& which) {
  std::vector<std::string> result;
  for (const std::string& line : output_of(SPANK_HOST_NM " -D " + which + " " SPANK_HOST_PLUGIN)) {
    const std::string symbol = line.substr(line.rfind(' ') + 1);
    result.push_back(symbol.substr(0, symbol.find('@')));
  }
  return result;
}

std::vector<std::string> export_list() {
  std::ifstream file(SPANK_HOST_EXPORTS);
  std::vector<std::string> result;
  bool global = false;
  for (std::string word; file >> word;) {
    if (word == "global:" || word == "local:")
      global = word == "global:";
    else if (global)
      result.push_back(word.substr(0, word.find(';')));
  }
  return result;
}

TEST(Symbols, ExactlyThoseOfTheExportListAreExported) {
  const std::vector<std::string> wanted = export_list();
  ASSERT_EQ(wanted.size(), 10u);
  EXPECT_THAT(symbols("--defined-only"), UnorderedElementsAreArray(wanted));
}

TEST(Symbols, OnlyLibcAndTheLoaderAreNeeded) {
  std::vector<std::string> needed;
  for (const std::string& line : output_of(SPANK_HOST_READELF " -d " SPANK_HOST_PLUGIN)) {
    if (line.find("(NEEDED)") != std::string::npos) needed.push_back(line.substr(line.find('[')));
  }
  EXPECT_THAT(needed, Contains("[libc.so.6]"));
  EXPECT_THAT(needed, Each(MatchesRegex("\\[(libc|ld-linux.*)\\.so\\.[0-9]\\]")));
}

// Other tests count calls of fork(): the plugin must not create processes in another way, and no threads.
TEST(Symbols, ForkIsTheOnlyFunctionThatCreatesProcesses) {
  const std::vector<std::string> taken = symbols("--undefined-only");
  EXPECT_THAT(taken, Contains("fork"));
  for (const char* const other : {"vfork", "posix_spawn", "posix_spawnp", "system", "popen", "clone", "_Fork",
                                  "pthread_create", "daemon"})
    EXPECT_THAT(taken, Not(Contains(other)));
}

TEST(Symbols, NameTypeAndVersionAreSlurms) {
  const Plugin plugin;
  EXPECT_STREQ(static_cast<const char*>(plugin.symbol("plugin_name")), "sweep");
  EXPECT_STREQ(static_cast<const char*>(plugin.symbol("plugin_type")), "spank");
  EXPECT_EQ(*static_cast<const unsigned*>(plugin.symbol("plugin_version")), unsigned{SLURM_VERSION_NUMBER});
  EXPECT_EQ(*static_cast<const unsigned*>(plugin.symbol("spank_plugin_version")), 1u);
}

void init_and_list(spank_context_t context, const std::vector<std::string>& arguments) {
  slurm.context = context;
  Plugin plugin(arguments);
  print_line("init " + std::to_string(plugin.hook("init")));
  for (const spank_option* const option : slurm.registered)
    print_line(std::string(option->name) +
               (option->arginfo == nullptr ? "" : std::string("=") + option->arginfo) + " " +
               std::to_string(option->has_arg));
}

TEST(Init, RegistersItsOptions) {
  for (const spank_context_t context : {S_CTX_LOCAL, S_CTX_ALLOCATOR, S_CTX_REMOTE}) {
    const Outcome outcome = run_case([&] { init_and_list(context, {"nonsense"}); });
    EXPECT_EQ(outcome.status, kReturned);
    EXPECT_THAT(lines(outcome.out),
                ElementsAre("init 0", "sweep-config=FILE[,FILE] 1", "sweep-select=ARGS 1",
                            "sweep-output=DIR 1", "sweep-profile=FILE 1", "sweep-repeat=N 1",
                            "sweep-resume=auto 2", "sweep-retry-failed 0", "sweep-accept-changes 0"));
    EXPECT_EQ(outcome.err, "");
  }
}

TEST(Init, HelpDescribesTheOptions) {
  const Outcome outcome = run_case([] {
    Plugin plugin;
    plugin.hook("init");
    for (const spank_option* const option : slurm.registered)
      print_line(option->usage);
  });
  EXPECT_THAT(outcome.out, HasSubstr("--seq-lens 1k1k --model-prefix dsr1"));
  EXPECT_THAT(outcome.out, HasSubstr("default: results_<exp-name>_<time>"));
  EXPECT_THAT(outcome.out, Not(HasSubstr("full-sweep")));
  EXPECT_THAT(outcome.out, HasSubstr("with --sweep-resume: also retry failed points"));
}

TEST(Init, RegistersNoOptionsInOtherContexts) {
  for (const spank_context_t context : {S_CTX_SLURMD, S_CTX_JOB_SCRIPT, S_CTX_ERROR}) {
    const Outcome outcome = run_case([&] { init_and_list(context, {"sweepctl=/usr/bin/sweepctl"}); });
    EXPECT_EQ(outcome.status, kReturned);
    EXPECT_EQ(outcome.out, "init 0\n");
    EXPECT_EQ(outcome.err, "");
  }
}

TEST(Init, InvalidArgumentsAreLoggedInSlurmd) {
  const Outcome outcome = run_case([] {
    init_and_list(S_CTX_SLURMD, {"sweepctl=relative", "agent=/a", "ready-timeout=0", "colour=blue"});
  });
  EXPECT_EQ(outcome.out, "init 0\n");
  EXPECT_THAT(lines(outcome.err), ElementsAre(HasSubstr("'sweepctl=relative'"),
                                              HasSubstr("'ready-timeout=0'"), HasSubstr("'colour=blue'")));
}

// Another plugin may have registered a name. A required plugin whose init fails ends every srun and every
// step.
TEST(Init, SucceedsIfAnOptionIsRefused) {
  for (const spank_context_t context : {S_CTX_LOCAL, S_CTX_ALLOCATOR, S_CTX_REMOTE}) {
    for (const char* const name : {"sweep-config", "sweep-accept-changes"}) {
      const Outcome outcome = run_case([&] {
        slurm.context = context;
        slurm.refused_options = {name};
        Plugin plugin;
        print_line("init " + std::to_string(plugin.hook("init")));
        print_line("others " + std::to_string(slurm.registered.size()));
      });
      EXPECT_EQ(outcome.out, "init 0\nothers 7\n");
      EXPECT_EQ(outcome.err, std::string("error: sweep: Slurm did not accept the option --") + name + "\n");
    }
  }
}

const std::vector<std::string> kHooks = {"init",      "init_post_opt", "local_user_init",
                                         "user_init", "task_init",     "exit"};

// Returns the state of this process that a plugin could change: environment, descriptors, signals, children.
std::string state() {
  std::ostringstream out;
  for (char** entry = environ; *entry != nullptr; ++entry)
    out << *entry << "\n";
  std::vector<std::string> descriptors;
  for (int fd = 0; fd < 64; ++fd) {
    std::error_code error;
    const auto target = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd), error);
    if (!error) out << fd << " " << target << "\n";
  }
  for (int number = 1; number < 32; ++number) {
    struct sigaction action = {};
    sigaction(number, nullptr, &action);
    out << number << " " << (action.sa_handler == SIG_IGN) << (action.sa_handler == SIG_DFL) << "\n";
  }
  const bool no_child = waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD;
  out << "forks " << forks() << " no child " << no_child << "\n";
  return out.str();
}

// Even if a sweep's address is in the environment and a plugstack argument is invalid.
TEST(WithoutOptions, EveryHookInEveryContextDoesNothing) {
  for (const spank_context_t context :
       {S_CTX_LOCAL, S_CTX_ALLOCATOR, S_CTX_REMOTE, S_CTX_JOB_SCRIPT, S_CTX_ERROR, S_CTX_SLURMD}) {
    const Outcome outcome = run_case([&] {
      prctl(PR_SET_CHILD_SUBREAPER, 1);  // a grandchild left behind would be a child of this process
      setenv(SWEEP_ENV_ENDPOINT, "tcp://127.0.0.1:1", 1);
      signal(SIGCHLD, SIG_IGN);
      slurm.context = context;
      slurm.command = {"/bin/true"};
      slurm.environment = {SWEEP_ENV_ENDPOINT "=tcp://127.0.0.1:1"};
      Plugin plugin({"sweepctl=/nowhere/sweepctl", "agent=/nowhere/agent"});
      const std::string before = state();
      for (const std::string& hook : kHooks) {
        const int result = plugin.hook(hook);
        if (result != 0) print_line(hook + " " + std::to_string(result));
      }
      const std::string after = state();
      print_line(before == after ? "same" : "before:\n" + before + "after:\n" + after);
    });
    EXPECT_EQ(outcome.status, kReturned) << context;
    EXPECT_EQ(outcome.out, "same\n") << context;
    EXPECT_EQ(outcome.err, "") << context;
  }
}

TEST(WithoutOptions, InvalidArgumentsAreNotReportedInOrdinarySteps) {
  for (const spank_context_t context : {S_CTX_LOCAL, S_CTX_ALLOCATOR, S_CTX_REMOTE}) {
    const Outcome outcome = run_case([&] {
      slurm.context = context;
      Plugin plugin({"colour=blue"});
      for (const std::string& hook : kHooks)
        plugin.hook(hook);
    });
    EXPECT_EQ(outcome.status, kReturned);
    EXPECT_EQ(outcome.err, "");
  }
}

// Slurm reports the step's options in slurmstepd too, but they are for srun.
TEST(RemoteOptions, AreIgnored) {
  const Outcome outcome = run_case([] {
    slurm.context = S_CTX_REMOTE;
    Plugin plugin({"sweepctl=/nowhere/sweepctl"});
    plugin.hook("init");
    print_line("option " + std::to_string(plugin.option("sweep-output", "out", 1)));
    print_line("init_post_opt " + std::to_string(plugin.hook("init_post_opt")));
    slurm.context = S_CTX_LOCAL;  // if the option had been taken, this would end the process
    print_line("init_post_opt " + std::to_string(plugin.hook("init_post_opt")));
  });
  EXPECT_EQ(outcome.status, kReturned);
  EXPECT_THAT(lines(outcome.out), ElementsAre("option 0", "init_post_opt 0", "init_post_opt 0"));
  EXPECT_EQ(outcome.err, "");
}

// A negative count makes std::vector throw. Without a sweep the arguments are not even read.
TEST(Exceptions, OfSrunEndOnlyACommandWithASweep) {
  for (const std::string hook : {"init_post_opt", "local_user_init"}) {
    for (const bool sweep : {true, false}) {
      const Sweepctl sweepctl;
      const Outcome outcome = run_case([&] {
        slurm.context = S_CTX_LOCAL;
        Plugin plugin({sweepctl.argument()});
        plugin.hook("init");
        if (sweep) plugin.option("sweep-config", "a.yaml");
        if (hook != "init_post_opt") plugin.hook("init_post_opt");
        print_line("returned " + std::to_string(plugin.hook(hook, -1)));
      });
      EXPECT_EQ(outcome.status, sweep ? 1 : kReturned) << hook;
      EXPECT_EQ(outcome.out, sweep ? "" : "returned 0\n") << hook;
      if (sweep)
        EXPECT_THAT(lines(outcome.err), ElementsAre(HasSubstr("error: sweep: " + hook + ": "))) << hook;
      else
        EXPECT_EQ(outcome.err, "") << hook;
    }
  }
}

struct Trouble {
  const char* what;
  std::function<void()> make;
  int count;
};

// If a hook of a required plugin fails, slurmd does not start, a node drains or a step fails. (A sweep's own
// task is tested in task_test.cpp.)
TEST(Daemons, NeverGetAnErrorFromAHook) {
  const std::vector<Trouble> troubles = {
      {"nothing", [] {}, -2},
      {"arguments that make exceptions", [] {}, -1},
      {"every option refused",
       [] {
         for (const char* const name : {"sweep-config", "sweep-select", "sweep-output", "sweep-profile",
                                        "sweep-resume", "sweep-retry-failed", "sweep-accept-changes"})
           slurm.refused_options.insert(name);
       },
       -2},
      {"a sweep's step whose items are withheld",
       [] {
         slurm.options = {{"sweep-config", "a.yaml"}};
         slurm.withholds_all = true;
       },
       -1},
      {"a batch script's step",
       [] {
         slurm.options = {{"sweep-config", "a.yaml"}}, slurm.step = 0xfffffffb;
       },
       -1},
      {"a sweep's step without an environment",
       [] {
         slurm.options = {{"sweep-resume", ""}};
       },
       -1},
  };
  for (const spank_context_t context : {S_CTX_SLURMD, S_CTX_REMOTE, S_CTX_JOB_SCRIPT, S_CTX_ERROR}) {
    for (const Trouble& trouble : troubles) {
      const Outcome outcome = run_case([&] {
        slurm.context = context;
        trouble.make();
        Plugin plugin;
        for (const std::string& hook : kHooks) {
          const int result = plugin.hook(hook, trouble.count);
          if (result != 0) print_line(hook + " " + std::to_string(result));
        }
      });
      EXPECT_EQ(outcome.status, kReturned) << trouble.what;
      EXPECT_EQ(outcome.out, "") << trouble.what << " in context " << context;
      EXPECT_EQ(outcome.err.empty(), !(context == S_CTX_SLURMD && trouble.count == -1) &&
                                         !(context == S_CTX_REMOTE && trouble.what[0] == 'e'))
          << trouble.what << " in context " << context << ": " << outcome.err;
    }
  }
}

}  // namespace
}  // namespace spank_host
