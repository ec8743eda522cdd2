// util/os/run_program: the output and the end of another program.
#include "util/os/run_program.hpp"

#include <gtest/gtest.h>

#include "tests/unit/net_folder.hpp"

namespace sweep {
namespace {

class RunProgram : public InFolder {
 protected:
  ProgramResult run(const std::string& script, RunOptions options = {}) {
    options.environment = own_environment();
    options.directory = folder_;
    auto ran = run_program({"/bin/sh", "-c", script}, options);
    EXPECT_TRUE(ran) << ran.error().message;
    return ran.value_or(ProgramResult());
  }
};

TEST_F(RunProgram, ReturnsBothOutputsAndTheStatus) {
  const ProgramResult ran = run("echo out; echo err >&2; exit 3");
  EXPECT_EQ(ran.out, "out\nerr\n");
  EXPECT_EQ(ran.status.code, 3);
  EXPECT_FALSE(ran.late);
  EXPECT_EQ(how_it_ended(ran), "exit status 3: err");
}

// A warning on standard error must not become a part of the value that a program prints.
TEST_F(RunProgram, LeavesStandardErrorOutOnRequest) {
  EXPECT_EQ(run("echo warning >&2; echo value", {.with_errors = false}).out, "value\n");
}

TEST_F(RunProgram, EndsAProgramAtItsLimit) {
  const ProgramResult ran = run("echo begun; exec sleep 1000", {.limit = Millis(100)});
  EXPECT_TRUE(ran.late);
  EXPECT_EQ(how_it_ended(ran), "it took too long: begun");
}

// A daemon that the program has started in a session of its own is not ended, and keeps the pipe open.
TEST_F(RunProgram, DoesNotWaitForASurvivorThatWritesWithoutEnd) {
  const ProgramResult ran = run(
      "mkfifo begun; setsid sh -c 'echo x; echo >begun; while echo y; do :; done' & read line <begun; exit 4");
  EXPECT_EQ(ran.status.code, 4);
  EXPECT_FALSE(ran.out.empty());
}

}  // namespace
}  // namespace sweep
