// Peers that are not the sweep's agents, while a sweep runs: they are refused and counted, and it goes on
// undisturbed.
#include <csignal>

#include "controller/io/control_file.hpp"
#include "proto/net/sockets.hpp"
#include "tests/process/program.hpp"
#include "tests/unit/net_loop.hpp"

namespace sweep {
namespace {

class Strangers : public ProcessTest {
 protected:
  void begin() {
    write_matrix({1});
    // Open before anybody is told: what is written into it stays until it is read, whoever comes first.
    write("waits.sh", std::string(kGoodBenchmark) + "exec 3<>go\necho here >started\nread line <&3\n", true);
  }
  Fd started_ = make_fifo("started");
  Fd go_ = make_fifo("go");
  std::vector<std::string> command_ = {"sweepctl", "run",         "--profile", "profile.yaml", "--output",
                                       "out",      "matrix.yaml", "--",        "./waits.sh"};
};

TEST_F(Strangers, WrongKeysAreRefusedAndCounted) {
  begin();
  Program run(directory_, command_);
  ASSERT_EQ(next_line(started_), "here\n") << run.err();
  const auto control = read_control_file(path("out"));
  ASSERT_TRUE(control && *control);
  zmq::context_t context;
  auto socket = ClientSocket::connect(context, (*control)->endpoint, (*control)->server_key,
                                      make_key_pair().secret_key);
  ASSERT_TRUE(socket);
  zmq::socket_t monitor(context, zmq::socket_type::pair);
  ASSERT_EQ(
      zmq_socket_monitor(socket->socket().handle(), "inproc://stranger", ZMQ_EVENT_HANDSHAKE_FAILED_AUTH), 0);
  monitor.connect("inproc://stranger");
  EventLoop loop;
  bool refused = false;
  loop.watch(monitor, [&] {
    refused = true;
    zmq::message_t m;
    while (monitor.recv(m, zmq::recv_flags::dontwait)) {
    }
  });
  EXPECT_TRUE(run_until(loop, [&] { return refused; }));
  write("go", "go\n");
  EXPECT_EQ(run.finish(), 0) << run.err();
  EXPECT_NE(run.err().find("with a wrong key refused"), std::string::npos) << run.err();
  EXPECT_EQ(run.err().find((*control)->client_secret), std::string::npos);
  EXPECT_EQ(read("out/manifest.json").find((*control)->client_secret), std::string::npos);
  EXPECT_EQ(read("out/logs/controller.log").find((*control)->client_secret), std::string::npos);
}

TEST_F(Strangers, NonsenseFromWithinIsAnsweredAndIgnored) {
  begin();
  Program run(directory_, command_);
  ASSERT_EQ(next_line(started_), "here\n") << run.err();
  const auto control = read_control_file(path("out"));
  ASSERT_TRUE(control && *control);
  zmq::context_t context;
  auto socket =
      ClientSocket::connect(context, (*control)->endpoint, (*control)->server_key, (*control)->client_secret);
  ASSERT_TRUE(socket);
  std::string answer;
  EventLoop loop;
  loop.watch(socket->socket(), [&] {
    const auto incoming = socket->receive();
    if (!incoming || !incoming->content) return;
    if (const auto* reject = std::get_if<wire::Reject>(&incoming->content->message)) answer = reject->reason;
  });
  socket->send(wire::Ready{});
  EXPECT_TRUE(run_until(loop, [&] { return !answer.empty(); }));
  EXPECT_NE(answer.find("before Hello"), std::string::npos) << answer;
  zmq::socket_ref raw = socket->socket();
  raw.send(zmq::str_buffer("this is no message"), zmq::send_flags::none);
  // Its answer comes after all that was sent before it.
  bool replied = false;
  EventLoop second;
  second.watch(socket->socket(), [&] {
    const auto incoming = socket->receive();
    replied = incoming && incoming->content &&
              std::holds_alternative<wire::StatusReply>(incoming->content->message);
  });
  socket->send(wire::StatusRequest{});
  EXPECT_TRUE(run_until(second, [&] { return replied; }));
  write("go", "go\n");
  EXPECT_EQ(run.finish(), 0) << run.err();
  EXPECT_NE(run.err().find("2 messages that made no sense ignored"), std::string::npos) << run.err();
}

}  // namespace
}  // namespace sweep
