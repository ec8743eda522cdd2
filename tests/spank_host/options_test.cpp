// Edge cases of the texts that the plugin parses and makes.
#include "spank_plugin/options.hpp"

#include <gmock/gmock.h>
#include <slurm/slurm.h>

#include "controller/matrix/inferencemax/master.hpp"

namespace sweep::plugin {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Settings, ReadsEachArgument) {
  const Settings settings = parse_settings(
      {"sweepctl=/a b/s=1", "agent=/g", "check-timeout=1", "ready-timeout=3600", "end-timeout=7"}, "/s0",
      "/g0");
  EXPECT_EQ(settings.sweepctl, "/a b/s=1");
  EXPECT_EQ(settings.agent, "/g");
  EXPECT_EQ(settings.check_timeout_seconds, 1u);
  EXPECT_EQ(settings.ready_timeout_seconds, 3600u);
  EXPECT_EQ(settings.end_timeout_seconds, 7u);
  EXPECT_THAT(settings.complaints, IsEmpty());
}

TEST(Settings, InvalidArgumentKeepsTheDefault) {
  for (const char* const text : {"sweepctl", "sweepctl=", "sweepctl=s", "agent=./g", "ready-timeout=",
                                 "ready-timeout=0", "ready-timeout=3601", "ready-timeout=-1",
                                 "ready-timeout=5s", "ready-timeout= 5", "ready-timeout=99999999999999999999",
                                 "check-timeout=0", "end-timeout=3601", "end-timeout", "", "=", "Agent=/g"}) {
    const Settings settings = parse_settings({text}, "/s0", "/g0");
    EXPECT_EQ(settings.sweepctl, "/s0") << text;
    EXPECT_EQ(settings.agent, "/g0") << text;
    EXPECT_EQ(settings.check_timeout_seconds, 60u) << text;
    EXPECT_EQ(settings.ready_timeout_seconds, 60u) << text;
    EXPECT_EQ(settings.end_timeout_seconds, 600u) << text;
    EXPECT_THAT(settings.complaints, ElementsAre(HasSubstr("'" + std::string(text) + "'"))) << text;
  }
}

// The plugin cannot include sweepctl's headers.
TEST(Option, RepeatHasSweepctlsLimit) {
  for (const bool too_many : {false, true}) {
    Options options;
    options.take(kConfig, "a", nullptr);
    options.take(kRepeat, std::to_string(matrix::kMaxRepeats + (too_many ? 1 : 0)), nullptr);
    options.end_component();
    EXPECT_EQ(options.problem() != "", too_many) << options.problem();
  }
}

// The name that Slurm 22.05 was observed to use.
TEST(Option, IsInheritedUnderSlurmsName) {
  EXPECT_EQ(inherited_variable(kConfig), "SLURM_SPANK__SLURM_SPANK_OPTION_sweep_sweep_config");
  EXPECT_EQ(inherited_variable(kRetryFailed), "SLURM_SPANK__SLURM_SPANK_OPTION_sweep_sweep_retry_failed");
}

TEST(OrdinaryStep, IsWhatSlurmCallsNormal) {
  EXPECT_TRUE(is_ordinary_step(0));
  EXPECT_TRUE(is_ordinary_step(SLURM_MAX_NORMAL_STEP_ID));
  for (const std::uint32_t step : {SLURM_MAX_NORMAL_STEP_ID + 1, SLURM_INTERACTIVE_STEP, SLURM_BATCH_SCRIPT,
                                   SLURM_EXTERN_CONT, SLURM_PENDING_STEP})
    EXPECT_FALSE(is_ordinary_step(step)) << step;
}

TEST(JobAndStep, IsWrittenAsSlurmDoes) {
  EXPECT_EQ(job_and_step(12, 0), "12.0");
  EXPECT_EQ(job_and_step(4294901759, 4294967280), "4294901759.4294967280");
}

TEST(ReadyLine, ValidOnesAreAccepted) {
  const std::string key(40, 'K');
  const std::string z85 = "0a.-:+=^!/*?&<>()[]{}@%$#ABCDEFGHIJKLMNO";
  ASSERT_EQ(z85.size(), 40u);
  for (const char* const endpoint :
       {"tcp://127.0.0.1:1", "tcp://[fe80::1]:65535", "tcp://node-1.example.org:5555"}) {
    const Ready ready = parse_ready_line("ready " + std::string(endpoint) + " " + key + " " + z85);
    EXPECT_EQ(ready.problem, "") << endpoint;
    EXPECT_EQ(ready.endpoint, endpoint);
    EXPECT_EQ(ready.server_key, key);
    EXPECT_EQ(ready.client_secret, z85);
  }
}

// Every truncated line is refused, and its keys are not kept.
TEST(ReadyLine, IsRefusedIfTruncated) {
  const std::string line = "ready tcp://127.0.0.1:5555 " + std::string(40, 'S') + " " + std::string(40, 'c');
  for (std::size_t length = 0; length < line.size(); ++length) {
    const Ready ready = parse_ready_line(line.substr(0, length));
    EXPECT_NE(ready.problem, "") << length;
    EXPECT_EQ(ready.server_key + ready.client_secret, "") << length;
  }
  EXPECT_EQ(parse_ready_line(line).problem, "");
}

TEST(ReadyLine, IsRefusedWithInvalidCharacters) {
  const std::string keys = " " + std::string(40, 'S') + " " + std::string(40, 'c');
  for (const std::string& endpoint :
       {std::string("tcp://a\0b:1", 11), std::string("tcp://a\tb:1"), std::string("tcp://:1"),
        std::string("tcp://h:"), std::string("tcp://h:0"), std::string("tcp://h:+1"),
        std::string("tcp://h:1x"), std::string("tcp://h\x80:1"), std::string("tcp://*")})
    EXPECT_EQ(parse_ready_line("ready " + endpoint + keys).problem, "its endpoint is not tcp://HOST:PORT")
        << endpoint;
  EXPECT_NE(parse_ready_line("ready  tcp://h:1" + keys).problem, "");
  EXPECT_NE(parse_ready_line("ready tcp://h:1" + keys + "\r").problem, "");
}

TEST(BatchScript, CanStartASweepIfALineHasSrunOrSweepctl) {
  EXPECT_TRUE(can_start_sweep("#!/bin/bash\nexport A=1\n  srun ./b.sh\n"));
  EXPECT_TRUE(can_start_sweep("#!/bin/bash\nexec sweepctl run m.yaml -- ./b.sh"));
  EXPECT_TRUE(can_start_sweep("/usr/bin/srun x"));
  EXPECT_FALSE(can_start_sweep("#!/bin/bash\n#SBATCH --sweep-config=a.yaml\n# srun would be here\n./b.sh\n"));
  EXPECT_FALSE(can_start_sweep(""));
  EXPECT_EQ(kBatchStep, SLURM_BATCH_SCRIPT);
}

using Words = std::vector<std::string>;

TEST(Benchmark, IsTheCommandOfSrun) {
  EXPECT_THAT(benchmark_arguments({"srun", "-N4", "--sweep-config=a.yaml", "./b.sh", "-x"}, 3),
              ElementsAre("--", "./b.sh", "-x"));
  EXPECT_THAT(benchmark_arguments({"srun", "--sweep-config=a.yaml"}, 2), IsEmpty()) << "there is no command";
  EXPECT_THAT(benchmark_arguments({"srun", "--sweep-config=a.yaml", "b"}, 0), IsEmpty());
  EXPECT_THAT(benchmark_arguments({"srun", "--sweep-config=a.yaml", "b"}, 1), IsEmpty());
  EXPECT_THAT(benchmark_arguments({}, 1), IsEmpty());
}

TEST(Benchmark, StartsInTheDirectoryThatSrunWasGiven) {
  for (const Words& given : {Words{"--chdir=/w"}, Words{"--chdir", "/w"}, Words{"-D", "/w"}, Words{"-D/w"}}) {
    Words srun = {"srun"};
    srun.insert(srun.end(), given.begin(), given.end());
    srun.insert(srun.end(), {"./b.sh", "--chdir=/benchmarks/own"});
    EXPECT_THAT(benchmark_arguments(srun, static_cast<int>(given.size()) + 1),
                ElementsAre("--chdir=/w", "--", "./b.sh", "--chdir=/benchmarks/own"));
  }
}

TEST(Benchmark, IsNotKnownIfTasksRunDifferentCommands) {
  EXPECT_THAT(benchmark_arguments({"srun", "--multi-prog", "file"}, 2), IsEmpty());
  EXPECT_THAT(benchmark_arguments({"srun", "-N1", "a", ":", "-N2", "b"}, 2), IsEmpty());
}

TEST(MultiProg, IsDistinguishedFromACommand) {
  EXPECT_TRUE(is_multi_prog({"m.conf", "0 hostname\n"}));
  EXPECT_TRUE(is_multi_prog({"m.conf", "# a comment\n\n  0-2,5 echo %t\n* date\n"}));
  EXPECT_TRUE(is_multi_prog({"m.conf", "*\tdate\n"}));
  EXPECT_FALSE(is_multi_prog({"bench.sh"}));
  EXPECT_FALSE(is_multi_prog({"bench.sh", "0 hostname"}));
  EXPECT_FALSE(is_multi_prog({"bench.sh", "two\nlines\n"}));
  EXPECT_FALSE(is_multi_prog({"sh", "# only\n# comments\n"}));
  EXPECT_FALSE(is_multi_prog({"bench.sh", "0 a\n", "more"}));
  EXPECT_FALSE(is_multi_prog({}));
}

}  // namespace
}  // namespace sweep::plugin
