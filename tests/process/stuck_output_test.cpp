// Programs whose standard error is a pipe that is not read (`sweepctl run … 2>&1 | sleep 1000`), or is closed.
#include <fcntl.h>
#include <unistd.h>

#include <csignal>

#include "tests/process/waiting_sweep.hpp"

namespace sweep {
namespace {

class StuckOutput : public WaitingSweep {
 protected:
  /// Starts the sweep with the pipe as its standard error; the pipe is full from the beginning.
  void start() {
    prepare("auth: key\n");
    filler_ = Fd(::open(path("stuck").c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    while (::write(filler_.get(), "#", 1) == 1)
      ++filled_;
    std::string words = "exec 2>stuck; exec " SWEEP_BIN_DIR "/";
    for (const std::string& word : command_)
      words += word + " ";
    run_.emplace(directory_, std::vector<std::string>{"/bin/sh", "-c", words});
    ASSERT_TRUE(benchmark_waits()) << "the controller waits for a pipe that is not read";
  }
  bool complete() const { return nlohmann::json::parse(read("out/manifest.json")).at("complete"); }

  Fd reader_ = make_fifo("stuck"), filler_;
  std::size_t filled_ = 0;
  std::optional<Program> run_;
};

TEST_F(StuckOutput, SweepRunsToItsEnd) {
  start();
  let_benchmark_end();
  EXPECT_EQ(run_->finish(), 0);
  EXPECT_TRUE(complete());
}

TEST_F(StuckOutput, StatusAndCancelAreAnswered) {
  start();
  Program status(directory_, {"sweepctl", "status", "out"});
  EXPECT_EQ(status.finish(), 0) << status.err();
  EXPECT_NE(status.out().find("1 running"), std::string::npos) << status.out();
  Program cancel(directory_, {"sweepctl", "cancel", "out"});
  EXPECT_EQ(cancel.finish(), 0) << cancel.err();
  EXPECT_EQ(run_->finish(), 1);
}

TEST_F(StuckOutput, InterruptEndsTheSweep) {
  start();
  run_->signal(SIGINT);
  EXPECT_EQ(run_->finish(), 128 + SIGINT);
  EXPECT_FALSE(complete());
}

TEST_F(StuckOutput, LinesAppearOnceThePipeIsRead) {
  start();
  std::string text;
  EventLoop loop;
  loop.watch(reader_.get(), [&] { text += read_available(reader_.get(), 1 << 20).bytes; });
  EXPECT_TRUE(run_until(loop, [&] { return text.find(": 1 point of ") != std::string::npos; }))
      << text.substr(std::min(filled_, text.size()));
  let_benchmark_end();
  EXPECT_TRUE(run_until(loop, [&] { return text.find("1 of 1 point done") != std::string::npos; }));
  EXPECT_EQ(run_->finish(), 0);
}

// Otherwise the first file that is opened would get the number, and lines would be written into it.
TEST_F(ProcessTest, ClosedStandardErrorIsNoFileOfTheSweep) {
  write_matrix({1});
  write("shows.sh", std::string(kGoodBenchmark) + "readlink /proc/$RUNNER/fd/2 >shown\n", true);
  Program program(directory_,
                  {"/bin/sh", "-c",
                   "export RUNNER=$$; exec " SWEEP_BIN_DIR
                   "/sweepctl run matrix.yaml --profile profile.yaml --output out -- ./shows.sh 2>&-"});
  EXPECT_EQ(program.finish(), 0) << program.out();
  EXPECT_EQ(read("shown"), "/dev/null\n");
}

}  // namespace
}  // namespace sweep
