// Each --fault as a client sees it; exchange_test checks the exact bytes.
#include <gmock/gmock.h>

#include <csignal>

#include "benchmarks/sweep-simserver/core/faults.hpp"
#include "tests/simserver/client.hpp"

namespace sweep::sim_server {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class SimserverFaults : public SimserverTest, public testing::WithParamInterface<const char*> {
 protected:
  void start_with_fault(const std::string& fault) { start_server({GetParam(), "--fault", fault}); }
};

TEST_P(SimserverFaults, ErrorGivesStatus500) {
  start_with_fault("error=1");
  EXPECT_THAT(request(stream_of(10)), StartsWith("HTTP/1.1 500 "));
  EXPECT_THAT(request(stream_of(10)), HasSubstr("internal_server_error"));
}

TEST_P(SimserverFaults, EmptyGivesAStreamWithoutEvents) {
  start_with_fault("empty=1");
  const std::string stream = request(stream_of(10));
  EXPECT_THAT(stream, StartsWith("HTTP/1.1 200 "));
  EXPECT_EQ(occurrences(stream, "data: "), 0);
  EXPECT_THAT(request(post("/v1/completions", R"({"prompt": [1]})")), EndsWith("Content-Length: 0\r\n\r\n"));
}

TEST_P(SimserverFaults, CutClosesTheConnectionInTheMiddle) {
  start_with_fault("cut=1");
  Client client(port());
  client.send(stream_of(10));
  const std::string stream = client.read_all();
  EXPECT_TRUE(client.closed());
  EXPECT_EQ(occurrences(stream, "data: "), 5);
  EXPECT_THAT(stream, Not(EndsWith("0\r\n\r\n")));
}

TEST_P(SimserverFaults, StalledRequestKeepsItsConnectionAndLeavesTheBatch) {
  start_server({GetParam(), "--max-num-seqs", "1", "--fault", "stall=0.5", "--seed", "3"});
  const auto plan = read_faults(std::vector<std::string>{"stall=0.5"});
  std::vector<std::unique_ptr<Client>> clients;
  int stalled = 0;
  for (std::uint64_t number = 0; number < 12; ++number) {
    clients.push_back(std::make_unique<Client>(port()));
    clients.back()->send(stream_of(4));
    if (fault_of(*plan, 3, number) == Fault::None) {
      EXPECT_EQ(occurrences(clients.back()->response(), "data: "), 5) << number;
      continue;
    }
    ++stalled;
    std::string half;
    while (occurrences(half, "data: ") < 2 && !clients.back()->closed())
      half += clients.back()->read_until("\n\n\r\n");
    EXPECT_EQ(occurrences(half, "data: "), 2) << number;
    EXPECT_FALSE(clients.back()->closed());
  }
  EXPECT_GE(stalled, 3);  // and the requests after them were answered
  EXPECT_LE(stalled, 9);
}

TEST_P(SimserverFaults, GarbageAndHalfJsonEndNormally) {
  start_with_fault("garbage=1");
  Client client(port());
  client.send(stream_of(10));
  EXPECT_THAT(client.response(), HasSubstr("garbage"));
  client.send(get("/health"));
  EXPECT_THAT(client.response(), HasSubstr("\"ready\""));
  start_with_fault("half-json=1");
  const std::string stream = request(stream_of(10));
  EXPECT_THAT(stream, HasSubstr("\"te\n\n"));
  EXPECT_THAT(stream, Not(HasSubstr("[DONE]")));
}

TEST_P(SimserverFaults, EndlessLineContinuesUntilTheClientDisconnects) {
  start_with_fault("endless-line=1");
  Client client(port());
  client.send(stream_of(10));
  std::string stream;
  while (stream.size() < 200000 && !client.closed())
    stream += client.read_until("x\r\n");
  EXPECT_FALSE(client.closed());
  const std::size_t line = stream.rfind("data: ");
  EXPECT_EQ(stream.find("\n\n", line), std::string::npos);
  client.reset();
  EXPECT_THAT(request(get("/health")), HasSubstr("\"ready\""));
}

TEST_P(SimserverFaults, CrashAbortsTheProcess) {
  Program& program = start_server({GetParam(), "--fault", "crash-after=2"});
  EXPECT_EQ(occurrences(request(stream_of(3)), "data: "), 4);
  Client waiting(port());
  waiting.send(get("/health"));
  waiting.response();
  EXPECT_EQ(occurrences(request(stream_of(3)), "data: "), 4);
  waiting.read_all();
  EXPECT_TRUE(waiting.closed());
  EXPECT_EQ(program.finish(), -SIGABRT);
  EXPECT_THAT(program.err(), HasSubstr("simulated crash"));
}

INSTANTIATE_TEST_SUITE_P(Paces, SimserverFaults,
                         testing::Values("--zero-latency", "--fixed-latency=1,1", "--time-scale=100"),
                         [](const auto& pace) { return "Pace" + std::to_string(pace.index); });

}  // namespace
}  // namespace sweep::sim_server
