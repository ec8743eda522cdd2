#include "agent/io/driver.hpp"

#include <csignal>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <optional>
#include <zmq.hpp>

#include "agent/core/agent.hpp"
#include "agent/core/identity.hpp"
#include "agent/io/children.hpp"
#include "agent/io/machine.hpp"
#include "proto/net/clock.hpp"
#include "proto/net/event_loop.hpp"
#include "proto/net/files.hpp"
#include "proto/net/process.hpp"
#include "proto/net/signals.hpp"
#include "proto/net/sockets.hpp"

namespace sweep::agent {

namespace {

class Driver {
 public:
  Driver(Setup setup, ClientSocket socket, SignalFd signals)
      : signals_(std::move(signals)), socket_(std::move(socket)), agent_(std::move(setup), now()) {
    // Signals first: Slurm signals the agent and its benchmarks together, and then it matters who is asked
    // first.
    loop_.watch(signals_.fd(), [this] { on_signals(); });
    loop_.watch(socket_.connection().socket(), [this] { on_connection(); });
    loop_.watch(socket_.socket(), [this] { on_messages(); });
  }

  int run() {
    while (!exit_) {
      const auto deadline = agent_.next_deadline();
      loop_.step(deadline);
      if (deadline && now() >= *deadline) inputs_.emplace_back(Tick{});
      work();
    }
    if (!exit_->reason.empty()) print_line(exit_->reason);
    return exit_->status;
  }

 private:
  void work() {
    while (!inputs_.empty() && !exit_) {
      const Input input = std::move(inputs_.front());
      inputs_.pop_front();
      for (Action& action : agent_.on(input, now())) {
        std::visit([this](auto& what) { perform(what); }, action);
      }
    }
  }

  void on_signals() {
    bool child = false;
    for (const int signal : signals_.take()) {
      if (signal == SIGCHLD) {
        child = true;
      } else {
        inputs_.emplace_back(Signalled{signal});
      }
    }
    if (child) children_.collect();
  }

  void on_connection() {
    while (const auto event = socket_.connection().next()) {
      if (*event == ConnectionEvent::Up) inputs_.emplace_back(Connected{});
      if (*event == ConnectionEvent::Down) inputs_.emplace_back(Disconnected{});
      if (*event == ConnectionEvent::Refused) inputs_.emplace_back(Refused{});
    }
  }

  void on_messages() {
    while (auto incoming = socket_.receive()) {
      if (incoming->content) {
        inputs_.emplace_back(Received{std::move(incoming->content->message)});
      } else {
        inputs_.emplace_back(Undecodable{incoming->content.error().fault, incoming->content.error().message});
      }
    }
  }

  void perform(Send& what) { socket_.send(what.message, what.bulk); }
  void perform(Prepare& what) {
    const auto port = free_port(what.ports_in_use);
    if (!port) {
      inputs_.emplace_back(NotPrepared{what.ref, port.error().message});
    } else {
      inputs_.emplace_back(Prepared{what.ref, *port, stamp_of(what.result_path)});
    }
  }
  void perform(Spawn& what) { children_.start(what); }
  void perform(SignalGroup& what) { children_.signal(what.ref, what.kill); }
  void perform(ReadResult& what) { inputs_.emplace_back(read_result(what.ref, what.path)); }
  void perform(RemoveFile& what) { remove_if_unchanged(what.path, what.stamp); }
  void perform(Warn& what) { print_line(what.text); }
  void perform(Exit& what) { exit_ = what; }

  EventLoop loop_;
  SignalFd signals_;
  ClientSocket socket_;
  std::deque<Input> inputs_;
  Children children_{loop_, [this](Input input) { inputs_.push_back(std::move(input)); }};
  Agent agent_;
  std::optional<Exit> exit_;
};

}  // namespace

void print_line(const std::string& text) {
  std::fprintf(stderr, "sweep-agent: %s\n", text.c_str());
}

Setup make_setup(const Access& access, const std::vector<std::string>& command) {
  Setup setup;
  setup.environment = own_environment();
  setup.gpus = find_gpus(setup.environment, device_names());
  setup.hello = identify(setup.environment, host_name(), ::getpid(), setup.gpus, command);
  setup.endpoint = access.endpoint;
  std::error_code ignored;
  setup.directory = std::filesystem::current_path(ignored).string();
  return setup;
}

int take_part(const Access& access, Setup setup) {
  SignalFd signals({SIGTERM, SIGINT, SIGHUP, SIGCHLD});
  zmq::context_t context;
  auto socket = ClientSocket::connect(context, access.endpoint, access.server_key, access.client_secret,
                                      setup.hello.agent);
  if (!socket) {
    print_line(socket.error().message);
    return 2;
  }
  return Driver(std::move(setup), std::move(*socket), std::move(signals)).run();
}

}  // namespace sweep::agent
