// A sweep whose one benchmark waits until the test lets it continue, so that the test can do something
// meanwhile.
#pragma once

#include "controller/io/control_file.hpp"
#include "proto/net/sockets.hpp"
#include "tests/process/program.hpp"
#include "tests/unit/net_loop.hpp"

namespace sweep {

class WaitingSweep : public ProcessTest {
 protected:
  /// Writes its files. `more`: further lines of the profile.
  void prepare(const std::string& more = {}) {
    write_matrix({1});
    write("profile.yaml", "gpus: ignore\ntimeouts: { kill-grace: 500ms }\n" + more);
    // The FIFO is opened before the test is notified, so that what the test writes stays until it is read.
    write("waits.sh", std::string(kGoodBenchmark) + "exec 3<>go\necho here >started\nread line <&3\n", true);
  }
  /// Waits until the benchmark waits.
  bool benchmark_waits() { return next_line(started_) == "here\n"; }
  /// Lets the benchmark end.
  void let_benchmark_end() { write("go", "go\n"); }

  ControlFile control() const {
    const auto control = read_control_file(path("out"));
    EXPECT_TRUE(control && *control) << (control ? "" : control.error().message);
    return control && *control ? **control : ControlFile{};
  }

  /// Connects a peer that has the sweep's key.
  ClientSocket peer(const std::string& identity = {}) {
    const ControlFile to = control();
    auto socket = ClientSocket::connect(context_, to.endpoint, to.server_key, to.client_secret, identity);
    EXPECT_TRUE(socket);
    socket->socket().set(zmq::sockopt::linger, 0);
    return std::move(*socket);
  }

  /// Waits for the next message of this type from `socket`.
  template <class Message>
  static std::optional<Message> next(ClientSocket& socket) {
    std::optional<Message> out;
    EventLoop loop;
    loop.watch(socket.socket(), [&] {
      while (const auto incoming = socket.receive()) {
        if (!incoming->content) continue;
        if (const auto* found = std::get_if<Message>(&incoming->content->message)) out = *found;
      }
    });
    run_until(loop, [&] { return out.has_value(); });
    return out;
  }

  /// Returns the controller's status. The controller has then handled everything that `socket` sent before.
  static nlohmann::json status(ClientSocket& socket) {
    socket.send(wire::StatusRequest{});
    const auto reply = next<wire::StatusReply>(socket);
    EXPECT_TRUE(reply) << "no status";
    return reply ? *reply->status : nlohmann::json();
  }

  zmq::context_t context_;
  Fd started_ = make_fifo("started");
  Fd go_ = make_fifo("go");
  std::vector<std::string> command_ = {"sweepctl", "run",         "--profile", "profile.yaml", "--output",
                                       "out",      "matrix.yaml", "--",        "./waits.sh"};
};

}  // namespace sweep
