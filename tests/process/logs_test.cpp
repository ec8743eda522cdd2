// sweepctl logs with real files: what is printed, and what --follow waits for.
#include <gmock/gmock.h>

#include <filesystem>

#include "tests/process/waiting_sweep.hpp"

namespace sweep {
namespace {

using testing::HasSubstr;

class Logs : public ProcessTest {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(path("out/logs"));
    write("out/logs/p_conc1_n.attempt1.out", "first\n");
    write("out/logs/p_conc1_n.attempt1.err", "problem\n");
    write("out/logs/p_conc2_n.attempt1.out", "other\n");
  }
};

TEST_F(Logs, PrintsBothStreamsOfAPoint) {
  Program logs(path(""), {"sweepctl", "logs", "out", "conc1"});
  EXPECT_EQ(logs.finish(), 0) << logs.err();
  EXPECT_EQ(logs.out(), "first\n\n==> p_conc1_n.attempt1.err <==\nproblem\n");
  Program list(path(""), {"sweepctl", "logs", "out"});
  EXPECT_EQ(list.finish(), 0);
  EXPECT_EQ(list.out(), "p_conc1_n\np_conc2_n\n");
}

TEST_F(Logs, WrongNamesAreErrors) {
  Program several(path(""), {"sweepctl", "logs", "out", "conc"});
  EXPECT_EQ(several.finish(), 1);
  EXPECT_THAT(several.err(), HasSubstr("sweepctl: the logs of several points have 'conc' in their names"));
  Program nothing(path(""), {"sweepctl", "logs", "."});
  EXPECT_EQ(nothing.finish(), 1);
  EXPECT_THAT(nothing.err(),
              HasSubstr("there are no logs of benchmarks in './logs'; is it the output directory"));
  Program usage(path(""), {"sweepctl", "logs", "--follow", "out"});
  EXPECT_EQ(usage.finish(), 2);
  EXPECT_THAT(usage.err(), HasSubstr("need a POINT"));
}

class FollowedLog : public WaitingSweep {};

TEST_F(FollowedLog, EndsWithTheSweep) {
  prepare();
  write("waits.sh",
        std::string(kGoodBenchmark) +
            "echo line one\nexec 3<>go\necho here >started\nread line <&3\necho line two\n",
        true);
  Program run(directory_, command_);
  ASSERT_TRUE(benchmark_waits());
  Program logs(path(""), {"sweepctl", "logs", "--follow", "out", "conc1"});
  ASSERT_TRUE(logs.wait_for_output("line one\n")) << logs.err();
  let_benchmark_end();
  EXPECT_EQ(run.finish(), 0) << run.err();
  EXPECT_EQ(logs.finish(), 0) << logs.err();
  EXPECT_THAT(logs.out(), HasSubstr("line one\nline two\n"));
}

}  // namespace
}  // namespace sweep
