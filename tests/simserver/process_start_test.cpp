// The real program: start, loading, port, end, invalid command lines.
#include <gmock/gmock.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>

#include "tests/simserver/client.hpp"

namespace sweep::sim_server {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

using SimserverStart = SimserverTest;

TEST_F(SimserverStart, IsReadyAfterLoadingWithProgress) {
  Program& program = start_server({"--startup-time", "100", "--time-scale", "200"}, "Loading weights: 0%");
  EXPECT_THAT(request(get("/health")), StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(request(stream_of(1)), HasSubstr("still loading"));
  ASSERT_TRUE(program.wait_for_error("Application startup complete"));
  for (int percent = 0; percent <= 100; percent += 10)
    EXPECT_THAT(program.err(), HasSubstr("Loading weights: " + std::to_string(percent) + "%"));
  EXPECT_THAT(request(get("/health")), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(program.err(), StartsWith("sweep-simserver: simulated: dsr1 in fp8 on 8 b200"));
}

TEST_F(SimserverStart, NeverReadyStopsLoadingInTheMiddle) {
  Program& program = start_server({"--startup-time", "1", "--time-scale", "100", "--fault", "never-ready"},
                                  "Loading weights: 40%");
  EXPECT_THAT(request(get("/health")), HasSubstr("\"loading\""));
  program.signal(SIGTERM);
  EXPECT_EQ(program.finish(), 0);
  EXPECT_EQ(program.err().find("50%"), std::string::npos);
}

TEST_F(SimserverStart, SlowStartPausesBeforeTheEnd) {
  start_server({"--fault", "slow-start=3600"}, "Loading weights: 90%");
  EXPECT_THAT(request(get("/health")), StartsWith("HTTP/1.1 503 "));
  Program& scaled = start_server({"--fault", "slow-start=360", "--time-scale", "3600"});
  EXPECT_THAT(scaled.err(), HasSubstr("Loading weights: 100%"));
}

TEST_F(SimserverStart, ErrorNamesAPortThatIsInUse) {
  start_server({});
  Program second(directory_.string(), {"sweep-simserver", "--listen", "127.0.0.1:" + std::to_string(port())});
  EXPECT_EQ(second.finish(), 1);
  EXPECT_THAT(second.err(),
              HasSubstr("cannot listen on 127.0.0.1:" + std::to_string(port()) + ": Address already in use"));
  EXPECT_THAT(second.err(), HasSubstr("--port"));
  EXPECT_EQ(second.out(), "");
}

TEST_F(SimserverStart, SignalsEndTheServerImmediately) {
  for (const auto& [signal, status] : {std::pair{SIGTERM, 0}, {SIGINT, 130}}) {
    Program& program = start_server({});
    Client client(port());
    client.send(stream_of(100000));
    client.read_until("\n\n\r\n");
    program.signal(signal);
    EXPECT_EQ(program.finish(), status);
    client.read_all();
    EXPECT_TRUE(client.closed());
    EXPECT_THAT(program.err(), HasSubstr("simulated: 1 requests, 0 answered"));
  }
}

TEST_F(SimserverStart, SignalThatWasIgnoredStaysIgnored) {
  // A shell without job control starts background jobs with SIGINT ignored.
  Program program(directory_.string(), {"/bin/sh", "-c", "trap '' INT; exec \"$@\"", "sh",
                                        SWEEP_BIN_DIR "/sweep-simserver", "--port", "0", "--zero-latency"});
  ASSERT_TRUE(program.wait_for_output("listening on "));
  program.signal(SIGINT);
  program.signal(SIGTERM);
  EXPECT_EQ(program.finish(), 0) << "130 is the status after SIGINT";
}

// The port stays readable while a connection waits for a descriptor.
TEST_F(SimserverStart, ConnectionWaitsForADescriptorAndTheLogHasOneLine) {
  Program& program = start_server({"--zero-latency"});
  int highest = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator("/proc/" + std::to_string(program.pid()) + "/fd"))
    highest = std::max(highest, std::stoi(entry.path().filename().string()));
  rlimit before{};
  ASSERT_EQ(::prlimit(program.pid(), RLIMIT_NOFILE, nullptr, &before), 0);
  const rlimit none{static_cast<rlim_t>(highest) + 1, before.rlim_max};
  ASSERT_EQ(::prlimit(program.pid(), RLIMIT_NOFILE, &none, nullptr), 0);
  Client client(port());
  client.send(get("/health"));
  ASSERT_TRUE(program.wait_for_error("cannot accept a connection: Too many open files; raise the limit"));
  ASSERT_EQ(::prlimit(program.pid(), RLIMIT_NOFILE, &before, nullptr), 0);
  EXPECT_THAT(client.response(), StartsWith("HTTP/1.1 200 "));
  program.signal(SIGTERM);
  EXPECT_EQ(program.finish(), 0);
  EXPECT_EQ(occurrences(program.err(), "cannot accept"), 1) << program.err();
}

TEST_F(SimserverStart, InvalidCommandLineGivesOneLineAndStatus2) {
  const auto message_for = [this](std::vector<std::string> options) {
    options.insert(options.begin(), "sweep-simserver");
    Program program(directory_.string(), options);
    EXPECT_EQ(program.finish(), 2) << program.err();
    EXPECT_EQ(program.out(), "");
    EXPECT_EQ(occurrences(program.err(), "\n"), 1) << program.err();
    return program.err();
  };
  EXPECT_THAT(message_for({"--no-such"}), HasSubstr("--help"));
  EXPECT_THAT(message_for({"--model", "some/thing"}),
              HasSubstr("give --architecture, one of dsr1, llama70b, gptoss"));
  EXPECT_THAT(message_for({"--hardware", "a100"}), HasSubstr("b200, h200, h100"));
  EXPECT_THAT(message_for({"--precision", "int4"}), HasSubstr("'int4'"));
  EXPECT_THAT(message_for({"--architecture", "x"}), HasSubstr("dsr1, llama70b, gptoss"));
  EXPECT_THAT(message_for({"--kv-cache-dtype", "fp4"}), HasSubstr("'fp4'"));
  EXPECT_THAT(message_for({"--tp", "1", "--precision", "bf16"}), HasSubstr("needs"));
  EXPECT_THAT(message_for({"--tp", "-1"}), HasSubstr("--tp"));
  EXPECT_THAT(message_for({"--fault", "cut=2"}), HasSubstr("from 0 to 1"));
  EXPECT_THAT(message_for({"--zero-latency", "--fixed-latency", "1,1"}), HasSubstr("exclude"));
  EXPECT_THAT(message_for({"--fixed-latency", "1"}), HasSubstr("50,10"));
  EXPECT_THAT(message_for({"--listen", "x"}), HasSubstr("HOST:PORT"));
  EXPECT_THAT(message_for({"--listen", "x:1", "--port", "2"}), HasSubstr("give one"));
  EXPECT_THAT(message_for({"--port", "70000"}), HasSubstr("70000"));
  EXPECT_THAT(message_for({"--time-scale", "0"}), HasSubstr("--time-scale"));
  EXPECT_THAT(message_for({"--max-model-len", "9999999"}), HasSubstr("163840"));
}

TEST_F(SimserverStart, HelpFitsIn80Columns) {
  Program program(directory_.string(), {"sweep-simserver", "--help"});
  EXPECT_EQ(program.finish(), 0);
  EXPECT_THAT(program.out(), StartsWith("Usage: sweep-simserver [OPTION]..."));
  EXPECT_THAT(program.out(), HasSubstr("\nExamples:\n"));
  std::size_t begin = 0;
  for (std::size_t end = program.out().find('\n'); end != std::string::npos;
       begin = end + 1, end = program.out().find('\n', begin))
    EXPECT_LE(end - begin, 79U) << program.out().substr(begin, end - begin);
}

}  // namespace
}  // namespace sweep::sim_server
