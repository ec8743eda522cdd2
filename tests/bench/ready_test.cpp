// The program sweep-bench and a server that is not ready yet.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <csignal>
#include <tuple>

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

/// Returns a socket on a free port of 127.0.0.1, and in `url` its address.
Fd open_socket(std::string& url) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(::listen(fd.get(), 0), 0);
  EXPECT_EQ(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  url = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  return fd;
}

// As behind a firewall that drops packets. The kernel alone would try for two minutes.
TEST_F(BenchProgram, ConnectTimeoutHoldsForTheFirstConnectionToo) {
  std::string url;
  const Fd full = open_socket(url);
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ASSERT_EQ(::getsockname(full.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  std::vector<Fd> waiting;  // in the queue of connections, which has room for one
  for (int i = 0; i < 3; ++i) {
    waiting.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    std::ignore = ::connect(waiting.back().get(), reinterpret_cast<const sockaddr*>(&address), size);
  }
  Program program(directory_.string(),
                  {"sweep-bench", "--model", "m", "--base-url", url, "--connect-timeout", "0.5"});
  EXPECT_EQ(program.finish(), 1);
  EXPECT_THAT(program.err(), HasSubstr("the test run failed: refused: no connection within 0.5 s"));
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
