// Peers that are not the sweep's agents, while a sweep runs: they are refused, counted and logged within
// limits, and the sweep continues undisturbed.
#include <gmock/gmock.h>

#include <algorithm>
#include <csignal>
#include <filesystem>

#include "tests/process/waiting_sweep.hpp"
#include "tests/unit/net_strangers.hpp"
#include "util/json.hpp"

namespace sweep {
namespace {

using testing::HasSubstr;

class Strangers : public WaitingSweep {
 protected:
  std::string log() const { return read("out/logs/controller.log"); }
  /// Returns the running attempt and its agent.
  static std::pair<wire::AttemptRef, std::string> running(const nlohmann::json& status) {
    const auto& run = status.at("running").at(0);
    return {{run.at("point"), run.at("attempt")}, status.at("agents").at(0).at("agent")};
  }
};

TEST_F(Strangers, WrongKeysAreRefusedAndCounted) {
  prepare("auth: key\n");
  Program run(directory_, command_);
  ASSERT_TRUE(benchmark_waits()) << run.err();
  const ControlFile to = control();
  auto socket = ClientSocket::connect(context_, to.endpoint, to.server_key, make_key_pair().secret_key);
  ASSERT_TRUE(socket);
  socket->socket().set(zmq::sockopt::linger, 0);
  EventLoop loop;
  bool refused = false;
  loop.watch(socket->connection().socket(), [&] {
    while (const auto event = socket->connection().next())
      refused = refused || *event == ConnectionEvent::Refused;
  });
  EXPECT_TRUE(run_until(loop, [&] { return refused; }));
  let_benchmark_end();
  EXPECT_EQ(run.finish(), 0) << run.err();
  EXPECT_THAT(run.err(), HasSubstr("1 connection with a wrong key refused"));
  EXPECT_THAT(log(), HasSubstr("refused: it has another key"));
}

TEST_F(Strangers, PeersWithoutZeroMqOrKeyAreRefusedAndCounted) {
  prepare("auth: key\n");
  Program run(directory_, command_);
  ASSERT_TRUE(benchmark_waits()) << run.err();
  const int port = port_of(control().endpoint);
  std::vector<Fd> strangers;
  for (const auto& [name, bytes] : tcp_nonsense())
    strangers.push_back(tcp_to(port, bytes));
  zmq::socket_t null = dealer(context_), plain = dealer(context_);
  plain.set(zmq::sockopt::plain_username, "root");
  plain.set(zmq::sockopt::plain_password, "root");
  null.connect(control().endpoint);
  plain.connect(control().endpoint);
  const std::string expected = std::to_string(strangers.size() + 2) + " connections without a key refused";
  // The controller closes each connection.
  for (const Fd& stranger : strangers) {
    EventLoop loop;
    bool closed = false;
    loop.watch(stranger.get(), [&] { closed = closed || read_available(stranger.get(), 4096).closed; });
    EXPECT_TRUE(run_until(loop, [&] { return closed; }));
  }
  ClientSocket own = peer();
  EXPECT_EQ(status(own).at("state"), "running");
  let_benchmark_end();
  EXPECT_EQ(run.finish(), 0) << run.err();
  EXPECT_THAT(run.err(), HasSubstr(expected));
  EXPECT_THAT(log(), HasSubstr("refused: it "));
}

TEST_F(Strangers, UnexpectedMessagesOfAPeerWithTheKeyAreIgnored) {
  prepare("auth: key\n");
  Program run(directory_, command_);
  ASSERT_TRUE(benchmark_waits()) << run.err();
  ClientSocket socket = peer();
  socket.send(wire::Ready{});                           // before Hello
  socket.send(wire::Welcome{"x", false, 1, 1, 1, ""});  // only a controller sends this
  socket.socket().send(zmq::str_buffer("this is no message"), zmq::send_flags::none);
  const auto reject = next<wire::Reject>(socket);
  ASSERT_TRUE(reject);
  EXPECT_EQ(status(socket).at("state"), "running");
  let_benchmark_end();
  EXPECT_EQ(run.finish(), 0) << run.err();
  EXPECT_THAT(run.err(), HasSubstr("2 unexpected messages ignored"));
  EXPECT_THAT(run.err(), HasSubstr("1 malformed message ignored"));
  EXPECT_THAT(log(), HasSubstr("before Hello"));
}

TEST_F(Strangers, OtherProtocolVersionIsRejectedNamingTheVersion) {
  prepare("auth: key\n");
  Program run(directory_, command_);
  ASSERT_TRUE(benchmark_waits()) << run.err();
  ClientSocket socket = peer();
  auto frames = wire::encode(wire::Ready{}, {});
  frames[0][5] = 99;  // the version's low byte
  socket.socket().send(zmq::buffer(frames[0]), zmq::send_flags::sndmore);
  socket.socket().send(zmq::buffer(frames[1]), zmq::send_flags::none);
  const auto reject = next<wire::Reject>(socket);
  ASSERT_TRUE(reject);
  EXPECT_THAT(reject->reason, HasSubstr("version"));
  let_benchmark_end();
  EXPECT_EQ(run.finish(), 0) << run.err();
  EXPECT_THAT(run.err(), HasSubstr("1 message of another protocol version ignored"));
}

// With 256 descriptors, 400 connections of strangers neither keep log files from being opened nor agents out.
TEST_F(Strangers, FloodLeavesDescriptorsForFilesAndAgents) {
  prepare("auth: key\n");
  write("waits.sh",
        std::string(kGoodBenchmark) + "exec 3<>go\necho here >started\nread line <&3\necho after the flood\n",
        true);
  std::vector<std::string> command = {"/bin/sh", "-c", "ulimit -n 256; exec \"$0\" \"$@\""};
  command.insert(command.end(), command_.begin(), command_.end());
  command[3] = std::string(SWEEP_BIN_DIR) + "/" + command[3];
  Program run(directory_, command);
  ASSERT_TRUE(benchmark_waits()) << run.err();
  const int port = port_of(control().endpoint);
  std::vector<Fd> strangers;
  for (int i = 0; i < 400; ++i)
    strangers.push_back(tcp_to(port, ""));
  ClientSocket own = peer();
  EXPECT_EQ(status(own).at("state"), "running") << "the sweep's own peers can still connect";
  let_benchmark_end();
  EXPECT_EQ(run.finish(), 0) << run.err();
  EXPECT_THAT(run.err(), HasSubstr("connections without a key closed early"));
  std::string output;
  for (const auto& item : std::filesystem::directory_iterator(path("out/logs"))) {
    if (item.path().extension() == ".out") output += read("out/logs/" + item.path().filename().string());
  }
  EXPECT_THAT(output, HasSubstr("after the flood"));
  const std::string lines = log();
  EXPECT_LT(std::count(lines.begin(), lines.end(), '\n'), 60) << "a flood costs no line for each connection";
}

// A frame above the limit ends the connection before it is stored; a body above the limit, or with wrong
// lengths, is ignored.
TEST_F(Strangers, OversizedAndMalformedFramesDoNotDisturb) {
  prepare("auth: key\n");
  Program run(directory_, command_);
  ASSERT_TRUE(benchmark_waits()) << run.err();
  {
    ClientSocket socket = peer();
    auto frames = wire::encode(wire::Ready{}, {});
    const std::string large(2 << 20, 'x');
    for (const std::string& body : {large, std::string(), std::string("\xc1"), std::string(1'000, '\x81')}) {
      socket.socket().send(zmq::buffer(frames[0]), zmq::send_flags::sndmore);
      socket.socket().send(zmq::buffer(body), zmq::send_flags::none);
    }
    for (int i = 0; i < 50; ++i)
      socket.socket().send(zmq::str_buffer("x"), i < 49 ? zmq::send_flags::sndmore : zmq::send_flags::none);
    EXPECT_EQ(status(socket).at("state"), "running");
    const std::string huge((std::size_t{64} << 20) + 1, 'x');
    socket.socket().send(zmq::buffer(huge), zmq::send_flags::none);
    EventLoop loop;
    bool down = false;
    loop.watch(socket.connection().socket(), [&] {
      while (const auto event = socket.connection().next())
        down = down || *event == ConnectionEvent::Down;
    });
    EXPECT_TRUE(run_until(loop, [&] { return down; }));
  }
  ClientSocket again = peer();
  EXPECT_EQ(status(again).at("state"), "running");
  let_benchmark_end();
  EXPECT_EQ(run.finish(), 0) << run.err();
  EXPECT_THAT(run.err(), HasSubstr("5 malformed messages ignored"));
}

TEST_F(Strangers, FloodIsCountedAndTheLogStaysSmall) {
  prepare("auth: key\n");
  Program run(directory_, command_);
  ASSERT_TRUE(benchmark_waits()) << run.err();
  constexpr int kFlood = 10'000;
  ClientSocket socket = peer();
  for (int i = 0; i < kFlood; ++i)
    socket.socket().send(zmq::str_buffer("this is no message"), zmq::send_flags::none);
  EXPECT_EQ(status(socket).at("state"), "running");
  let_benchmark_end();
  EXPECT_EQ(run.finish(), 0) << run.err();
  EXPECT_THAT(run.err(), HasSubstr(std::to_string(kFlood) + " malformed messages ignored"));
  EXPECT_LT(log().size(), 20'000u);
}

TEST_F(Strangers, SecondAgentWithTheSameNameIsRejected) {
  prepare("auth: key\n");
  Program run(directory_, command_);
  ASSERT_TRUE(benchmark_waits()) << run.err();
  ClientSocket socket = peer();
  wire::Hello hello;
  hello.agent = running(status(socket)).second;
  hello.node = "n1";
  hello.pid = 1;
  socket.send(hello);
  const auto reject = next<wire::Reject>(socket);
  ASSERT_TRUE(reject);
  EXPECT_THAT(reject->reason, HasSubstr("already taking part"));
  let_benchmark_end();
  EXPECT_EQ(run.finish(), 0) << run.err();
}

// A peer that uses an agent's routing id replaces it in ZeroMQ, but not in the sweep.
TEST_F(Strangers, PeerWithAnAgentsRoutingIdIsNotThatAgent) {
  prepare("auth: key\n");
  Program run(directory_, command_);
  ASSERT_TRUE(benchmark_waits()) << run.err();
  std::pair<wire::AttemptRef, std::string> attempt;
  {
    ClientSocket socket = peer();
    attempt = running(status(socket));
    ClientSocket forger = peer(attempt.second);
    wire::Finished finished{attempt.first, Outcome{}, 1};
    finished.outcome.kind = OutcomeKind::BenchmarkFailed;
    forger.send(finished);
    const nlohmann::json after = status(forger);
    EXPECT_EQ(after.at("points").at("failed"), 0);
    EXPECT_EQ(after.at("running").size(), 1u);
  }
  EXPECT_THAT(log(), HasSubstr("Finished before Hello"));
  // The agent itself notices through ZeroMQ's pings, within 40 s, and reconnects: too long for a test.
}

TEST_F(Strangers, AgentCannotEndAnotherAgentsAttempt) {
  prepare("auth: key\n");
  Program run(directory_, command_);
  ASSERT_TRUE(benchmark_waits()) << run.err();
  ClientSocket socket = peer();
  const auto attempt = running(status(socket));
  wire::Hello hello;
  hello.agent = "another";
  hello.node = "n1";
  hello.pid = 1;
  socket.send(hello);
  ASSERT_TRUE(next<wire::Welcome>(socket));
  wire::Finished finished{attempt.first, Outcome{}, 1};
  finished.outcome.kind = OutcomeKind::BenchmarkFailed;
  socket.send(finished);
  socket.send(wire::Goodbye{"test"});
  EXPECT_EQ(status(socket).at("points").at("failed"), 0);
  let_benchmark_end();
  EXPECT_EQ(run.finish(), 0) << run.err();
}

}  // namespace
}  // namespace sweep
