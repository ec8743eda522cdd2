// The program sweep-bench and a server that is not ready yet.
#include <gmock/gmock.h>

#include <csignal>

#include "tests/bench/bench_program.hpp"

namespace sweep::client {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::string kLoading = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 13\r\n\r\nloading model";

TEST_F(BenchProgram, LoadingServerIsWaitedFor) {
  ScriptedServer server([](int number, const std::string&) {
    return number < 2 ? ScriptedResponse{kLoading, false} : ScriptedResponse{kGood, false};
  });
  EXPECT_EQ(run(server, {"--num-prompts", "3", "--ready-timeout", "60"}), 0) << err_;
  EXPECT_THAT(out_,
              HasSubstr("The server is not ready (http_status: HTTP status 503: loading model); waiting up "
                        "to 60 s for it\n"));
  EXPECT_EQ(server.requests(), 2 + 1 + 3);
}

TEST_F(BenchProgram, ServerThatDoesNotBecomeReadyIsAnError) {
  ScriptedServer server([](int, const std::string&) { return ScriptedResponse{kLoading, false}; });
  EXPECT_EQ(run(server, {"--num-prompts", "3", "--ready-check-timeout-sec", "1"}), 1);
  EXPECT_THAT(
      err_,
      HasSubstr(
          "the test run failed: http_status: HTTP status 503: loading model; not ready within 1 s; check "));
}

TEST_F(BenchProgram, WithoutReadyTimeoutTheErrorNamesIt) {
  ScriptedServer server([](int, const std::string&) { return ScriptedResponse{kLoading, false}; });
  EXPECT_EQ(run(server, {"--num-prompts", "3"}), 1);
  EXPECT_EQ(server.requests(), 1);
  EXPECT_THAT(err_, HasSubstr("or wait for a server that is loading with --ready-timeout 600"));
  ScriptedServer other([](int, const std::string&) {
    return ScriptedResponse{"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", false};
  });
  EXPECT_EQ(run(other, {"--num-prompts", "3", "--ready-timeout", "60"}), 1) << "404 does not go away";
  EXPECT_EQ(other.requests(), 1);
  EXPECT_THAT(err_, Not(HasSubstr("--ready-timeout")));
}

TEST_F(BenchProgram, WaitEndsWithTheSignal) {
  Program program(directory_.string(), {"sweep-bench", "--model", "m", "--base-url", "http://127.0.0.1:1",
                                        "--ready-timeout", "600"});
  ASSERT_TRUE(program.wait_for_output("waiting up to 600 s"));
  program.signal(SIGTERM);
  EXPECT_EQ(program.finish(), 128 + SIGTERM);
  EXPECT_THAT(program.err(), HasSubstr("interrupted by a signal; no result written"));
}

}  // namespace
}  // namespace sweep::client
