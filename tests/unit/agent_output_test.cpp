// agent/core: what the output of servers and clients shows about the benchmark's progress.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/core/output_scanner.hpp"

namespace sweep::agent {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(FindBar, FindsTheFormsThatServersAndClientsPrint) {
  EXPECT_EQ(find_bar(" 45%|████▌     | 45/100 [00:10<00:12,  4.51it/s]"), (Bar{45, 100}));
  EXPECT_EQ(find_bar("\x1b[32m100%|##########| 9/9 [00:01<00:00]\x1b[0m"), (Bar{9, 9}));
  EXPECT_EQ(find_bar("  0%|          | 0/23 [00:00<?, ?it/s]"), (Bar{0, 23}));
  EXPECT_EQ(find_bar("Capturing batches (bs=1):  50%|█████     | 4/8 [00:01<00:01]"), (Bar{4, 8}));
  EXPECT_EQ(find_bar("Loading safetensors checkpoint shards:  45% Completed | 9/20 [00:05<00:06,  1.6it/s]"),
            (Bar{9, 20}));
}

TEST(FindBar, IgnoresOtherText) {
  for (const char* line : {"", "%", "%|", "45%", "45%| 45/100 [", "GPU at 45% of 3/4 [", "45%|##| 45/10",
                           "45%|##| 45/100", "45%|##| 1.2G/5.0G [", "|##| 45/100 [", "45%|##| x/100 [",
                           "45%|##| 45/0 [", "45%|##| -1/5 [", "9%|##| 99999999999999999999/1 ["}) {
    EXPECT_FALSE(find_bar(line)) << line;
  }
}

const std::string kSample =
    "Loading safetensors checkpoint shards:   0% Completed | 0/2 [00:00<?, ?it/s]\r\n"
    "\rCapturing CUDA graphs:  50%|█████     | 1/2 [00:00<00:00]"
    "\rCapturing CUDA graphs: 100%|██████████| 2/2 [00:00<00:00]\n"
    "INFO:     Application startup complete.\n"
    "INFO:     Application startup complete.\n"
    "\r  0%|          | 0/100 [00:00<?, ?it/s]"
    "\r 45%|████▌     | 45/100 [00:10<00:12,  4.51it/s]"
    "\r 45%|████▌     | 45/100 [00:11<00:12,  4.51it/s]"
    "\r100%|██████████| 100/100 [00:22<00:00,  4.51it/s]\n"
    "  naïve größe über alles  \r\n\n";

TEST(OutputScanner, ReportsPhasesAndBarsInOrder) {
  OutputScanner scanner;
  EXPECT_THAT(scanner.feed(kSample), ElementsAre(Bar{0, 2}, Bar{1, 2}, Bar{2, 2}, ServerReady{}, Bar{0, 100},
                                                 Bar{45, 100}, Bar{100, 100}));
  EXPECT_EQ(scanner.last_line(), "naïve größe über alles");
}

TEST(OutputScanner, ResultDoesNotDependOnHowOutputIsCut) {
  OutputScanner whole;
  const auto expected = whole.feed(kSample);
  const auto check = [&](const OutputScanner& scanner, const std::vector<OutputEvent>& seen, std::size_t at) {
    EXPECT_EQ(seen, expected) << "cut at " << at;
    EXPECT_EQ(scanner.last_line(), whole.last_line()) << "cut at " << at;
  };
  for (std::size_t at = 0; at <= kSample.size(); ++at) {
    OutputScanner scanner;
    auto seen = scanner.feed(std::string_view(kSample).substr(0, at));
    const auto rest = scanner.feed(std::string_view(kSample).substr(at));
    seen.insert(seen.end(), rest.begin(), rest.end());
    check(scanner, seen, at);
  }
  OutputScanner bytewise;
  std::vector<OutputEvent> seen;
  for (const char& byte : kSample) {
    const auto more = bytewise.feed({&byte, 1});
    seen.insert(seen.end(), more.begin(), more.end());
  }
  check(bytewise, seen, 1);
}

TEST(OutputScanner, ReportsABarBeforeItsLineEnds) {
  OutputScanner scanner;
  EXPECT_THAT(scanner.feed("\r 45%|████▌     | 45/10"), IsEmpty());
  EXPECT_THAT(scanner.feed("0 ["), ElementsAre(Bar{45, 100}));
  EXPECT_THAT(scanner.feed("00:10<00:12]\r"), IsEmpty());
}

TEST(OutputScanner, ReadyLinesReportReadinessButBarsDoNot) {
  for (const char* line : {"INFO: Application startup complete.", "The server is fired up and ready to roll!",
                           "INFO Starting vLLM API server 0 on http://0.0.0.0:8000"}) {
    OutputScanner scanner;
    EXPECT_THAT(scanner.feed(line), ElementsAre(ServerReady{})) << line;
  }
  OutputScanner scanner;
  EXPECT_THAT(scanner.feed("Starting initial single prompt test run..."), ElementsAre(ClientStarts{}));
}

TEST(OutputScanner, FirstLinesOfServersAreReportedOnce) {
  for (const char* line :
       {"INFO vLLM API server version 0.11.0", "INFO:     Started server process [4711]"}) {
    OutputScanner scanner;
    EXPECT_THAT(scanner.feed(std::string(line) + "\n" + line + "\n"), ElementsAre(ServerStarts{})) << line;
  }
  // Words of benchmarks that use a server elsewhere, or load a model without a server.
  OutputScanner other;
  EXPECT_THAT(
      other.feed("the server is at http://a:8000\nvllm bench\nserver_args=ServerArgs(model='m')\nready\n"),
      IsEmpty());
}

TEST(OutputScanner, LineOfOnesOwnReplacesThoseOfServers) {
  OutputScanner scanner(*LinePattern::compile("^up [0-9]+$"));
  EXPECT_THAT(scanner.feed("Application startup complete\nnot up 1\nup 1"), IsEmpty());
  EXPECT_THAT(scanner.feed("2"), IsEmpty()) << "only a whole line matches";
  EXPECT_THAT(scanner.feed("\n"), ElementsAre(ServerReady{}));
  EXPECT_THAT(scanner.feed("up 2\n"), IsEmpty());
  EXPECT_THAT(scanner.feed("Starting main benchmark run\n"), ElementsAre(ClientStarts{}, MainRun{}));
}

TEST(OutputScanner, MainRunIsReportedOnceAndMeansThatTheClientRuns) {
  OutputScanner scanner;
  EXPECT_THAT(scanner.feed("Initial test run completed. Starting main benchm"), IsEmpty());
  EXPECT_THAT(scanner.feed("ark run...\n"), ElementsAre(ClientStarts{}, MainRun{}));
  EXPECT_THAT(scanner.feed("Starting main benchmark run...\n"), IsEmpty());
  OutputScanner warmed_up;
  EXPECT_THAT(warmed_up.feed("Starting initial single prompt test run...\nStarting main benchmark run...\n"),
              ElementsAre(ClientStarts{}, MainRun{}));
}

TEST(OutputScanner, LongLinesAreBoundedAndDoNotAffectTheNext) {
  OutputScanner scanner;
  const std::string noise(1 << 20, 'x');
  EXPECT_THAT(scanner.feed(noise + "Application startup complete"), IsEmpty());
  EXPECT_LE(scanner.last_line().size(), 4096u);
  EXPECT_THAT(scanner.feed("\nApplication startup complete"), ElementsAre(ServerReady{}));
}

TEST(OutputScanner, LastLineIsNeitherBlankNorABar) {
  OutputScanner scanner;
  EXPECT_EQ(scanner.last_line(), "");
  scanner.feed("one\n\ttwo \n \r\n");
  EXPECT_EQ(scanner.last_line(), "two");
  scanner.feed(" 45%|##| 45/100 [\n");
  EXPECT_EQ(scanner.last_line(), "two");
  scanner.feed("three");
  EXPECT_EQ(scanner.last_line(), "three");
}

TEST(LastLine, IgnoresSrunsMessagesAboutANestedStep) {
  OutputScanner scanner;
  scanner.feed("out of memory\nsrun: error: n1: task 0: Exited with exit code 37\n");
  EXPECT_EQ(scanner.last_line(), "out of memory");
  scanner.feed("srun: error: Unable to create step\n");
  EXPECT_EQ(scanner.last_line(), "srun: error: Unable to create step");
}

TEST(LastLine, IgnoresCommandsThatAShellTraces) {
  OutputScanner scanner;
  scanner.feed("+ echo 'Error: no weights'\nError: no weights\n+ exit 1\n++ true\n");
  EXPECT_EQ(scanner.last_line(), "Error: no weights");
  scanner.feed("+ cleanup");
  EXPECT_EQ(scanner.last_line(), "Error: no weights");
  scanner.feed("\n+5 % more\n");
  EXPECT_EQ(scanner.last_line(), "+5 % more");
}

}  // namespace
}  // namespace sweep::agent
