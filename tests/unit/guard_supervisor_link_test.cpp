// controller/io/supervisor_link: what a controller reports to its supervisor.
#include <gtest/gtest.h>

#include <optional>

#include "controller/io/farewell.hpp"
#include "controller/io/supervisor_link.hpp"
#include "tests/unit/net_loop.hpp"
#include "util/os/process.hpp"

namespace sweep {
namespace {

SupervisorNote note_of(const std::string& directory) {
  return {directory, {"public", "secret"}, "client", Millis(600'000), Millis(500)};
}

TEST(SupervisorLink, NoteArrivesWithAnyDirectory) {
  for (const std::string directory : {"/tmp/out", "/a b  c/\nd", "/x ended 1"}) {
    const auto report = parse_report(encode_report(note_of(directory)));
    ASSERT_TRUE(report && std::holds_alternative<SupervisorNote>(*report)) << directory;
    const auto& note = std::get<SupervisorNote>(*report);
    EXPECT_EQ(note.directory, directory);
    EXPECT_EQ(note.server_keys.public_key, "public");
    EXPECT_EQ(note.server_keys.secret_key, "secret");
    EXPECT_EQ(note.client_public, "client");
    EXPECT_EQ(note.away, Millis(600'000));
    EXPECT_EQ(note.kill_grace, Millis(500));
  }
}

TEST(SupervisorLink, OtherTextIsNoReport) {
  for (const std::string text : {"", "opened", "opened 1 2 a b c", "ended", "turned 1", "x 1"})
    EXPECT_FALSE(parse_report(text)) << text;
}

TEST(SupervisorLink, ReportsThatArriveInPiecesAreComplete) {
  ReportReader reader;
  EXPECT_TRUE(reader.take("turn").empty());
  const auto reports = reader.take(std::string("ed\0ended 3\0tur", 14));
  ASSERT_EQ(reports.size(), 2U);
  EXPECT_TRUE(std::holds_alternative<LoopTurned>(reports[0]));
  ASSERT_TRUE(std::holds_alternative<LoopEnded>(reports[1]));
  EXPECT_EQ(std::get<LoopEnded>(reports[1]).agents, 3);
}

// A supervisor that is stopped reads nothing.
TEST(SupervisorLink, FullPipeDoesNotBlockTheController) {
  auto pipe = make_pipe();
  const SupervisorLink link(std::move(pipe->write_end));
  for (int i = 0; i < 20'000; ++i)
    link.send(LoopTurned{});
  EXPECT_FALSE(read_available(pipe->read_end.get(), 100).bytes.empty());
}

TEST(Farewell, AgentIsRejectedWithTheReason) {
  EventLoop loop;
  const KeyPair server = make_key_pair(), client = make_key_pair();
  auto listening = listening_socket();
  ASSERT_TRUE(listening);
  auto farewell = Farewell::open(loop, std::move(*listening), server, client.public_key, "it is over");
  ASSERT_TRUE(farewell) << farewell.error().message;
  zmq::context_t context;
  auto agent = ClientSocket::connect(context, "tcp://127.0.0.1:" + std::to_string((*farewell)->port()),
                                     server.public_key, client.secret_key, "agent");
  ASSERT_TRUE(agent);
  agent->socket().set(zmq::sockopt::linger, 0);
  wire::Hello hello;
  hello.agent = "12.0.0";
  agent->send(hello);
  std::optional<wire::Reject> reject;
  loop.watch(agent->socket(), [&] {
    while (const auto incoming = agent->receive()) {
      if (incoming->content) reject = std::get<wire::Reject>(incoming->content->message);
    }
  });
  EXPECT_TRUE(run_until(loop, [&] { return reject.has_value(); }));
  EXPECT_EQ(reject.value_or(wire::Reject{}).reason, "it is over");
}

}  // namespace
}  // namespace sweep
