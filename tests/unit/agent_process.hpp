// sweep-agent as a process: the real binary, with a controller's socket in the test. For the tests of
// agent/io.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <memory>

#include "proto/base/env_names.hpp"
#include "proto/net/sockets.hpp"
#include "tests/unit/net_folder.hpp"
#include "tests/unit/net_loop.hpp"
#include "util/os/process.hpp"

namespace sweep {

/// The controller's socket. It has its own context: when that is destroyed, the port is free.
struct Listener {
  Listener(const std::string& address, const KeyPair& keys, const std::string& client_key)
      : authenticator(context, client_key), server(ServerSocket::listen(context, address, keys)) {}
  zmq::context_t context;
  KeyAuthenticator authenticator;
  Expected<ServerSocket> server;
};

class AgentProcess : public InFolder {
 protected:
  void SetUp() override {
    InFolder::SetUp();
    std::string name = (std::filesystem::temp_directory_path() / "agent-test-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    node_local_ = name;
  }
  void TearDown() override {
    if (child_.pidfd.open() && !status_) ::kill(child_.pid, SIGKILL);
    std::filesystem::remove_all(node_local_);
    InFolder::TearDown();
  }

  void listen(const std::string& address = "tcp://127.0.0.1:*") {
    controller_ = std::make_unique<Listener>(address, server_keys_, client_keys_.public_key);
    ASSERT_TRUE(controller_->server) << controller_->server.error().message;
    endpoint_ = "tcp://127.0.0.1:" + std::to_string(controller_->server->port());
    loop_.watch(controller_->authenticator.socket(), [this] { controller_->authenticator.answer(); });
    loop_.watch(controller_->server->socket(), [this] {
      while (take_message()) {
      }
    });
  }
  /// The controller goes away and comes back on the same port.
  void listen_again() {
    loop_ = EventLoop();
    controller_.reset();
    watch_agent();
    listen(endpoint_);
  }

  std::vector<std::string> environment(const std::string& secret) const {
    return {"PATH=/usr/bin:/bin",
            "MARK=here",
            "TMPDIR=" + node_local_,
            SWEEP_ENV_ENDPOINT "=" + endpoint_,
            SWEEP_ENV_SERVER_KEY "=" + server_keys_.public_key,
            SWEEP_ENV_CLIENT_SECRET "=" + secret,
            "CUDA_VISIBLE_DEVICES=0,1"};
  }

  /// Starts the agent in the test's folder.
  void start(std::vector<std::string> arguments, std::vector<std::string> env) {
    SpawnSpec spec;
    spec.argv = std::move(arguments);
    spec.argv.insert(spec.argv.begin(), SWEEP_AGENT);
    spec.environment = std::move(env);
    spec.directory = folder_;
    auto out = make_pipe();
    spec.out = spec.err = out->write_end.get();
    auto child = spawn(spec);
    ASSERT_TRUE(child) << child.error().message;
    child_ = std::move(*child);
    stderr_end_ = std::move(out->read_end);
    watch_agent();
  }
  void watch_agent() {
    loop_.watch(stderr_end_.get(), [this] {
      const Chunk chunk = read_available(stderr_end_.get(), 4096);
      printed_ += chunk.bytes;
      if (chunk.closed) loop_.unwatch(stderr_end_.get());
    });
    loop_.watch(child_.pidfd.get(), [this] {
      status_ = reap(child_.pid);
      loop_.unwatch(child_.pidfd.get());
    });
  }

  /// Starts an agent that runs `script` and welcomes it. Without a script it runs the commands of its leases.
  void join(const std::string& script, std::int64_t grace_ms = 10'000, bool pack = false) {
    listen();
    std::vector<std::string> arguments;
    if (!script.empty()) arguments = {"--", "sh", "-c", script};
    start(arguments, environment(client_keys_.secret_key));
    const auto hello = await<wire::Hello>();
    ASSERT_TRUE(hello);
    agent_ = hello->agent;
    send(wire::Welcome{"s", pack, 1'000, grace_ms});
    ASSERT_TRUE(await<wire::Ready>());
  }
  bool take_message() {
    auto incoming = controller_->server->receive();
    if (!incoming || !incoming->content) return false;
    peer_ = incoming->peer;
    received_.push_back(std::move(*incoming->content));
    if (const auto* chunk = std::get_if<wire::LogChunk>(&received_.back().message)) {
      (chunk->is_stderr ? err_ : out_) += received_.back().bulk;
    }
    return true;
  }
  void send(const wire::Message& message) { EXPECT_TRUE(controller_->server->send(peer_, message)); }

  wire::Lease lease() const {
    wire::Lease out;
    out.ref = {"p", 1};
    out.gpus = 2;
    out.result_filename = "result";
    return out;
  }

  /// Returns the next message of this type that was not returned before; std::nullopt if none comes in time.
  template <class T>
  std::optional<T> await() {
    const auto is_it = [](const wire::Envelope& e) { return std::holds_alternative<T>(e.message); };
    auto found = received_.end();
    run_until(loop_, [&] {
      found = std::find_if(received_.begin(), received_.end(), is_it);
      return found != received_.end();
    });
    if (found == received_.end()) return std::nullopt;
    bulk_ = found->bulk;
    T message = std::get<T>(found->message);
    received_.erase(found);
    return message;
  }
  Outcome outcome() {
    const auto finished = await<wire::Finished>();
    EXPECT_TRUE(finished) << "no Finished came; the agent printed: " << printed_;
    return finished ? finished->outcome : Outcome{};
  }
  bool output(const std::string& text) {
    return run_until(loop_, [&] { return out_.find(text) != std::string::npos; });
  }
  /// Returns the exit status of the agent; -1 if it does not exit.
  int exit_status() {
    run_until(loop_, [&] { return status_.has_value(); });
    return status_ ? status_->code.value_or(-1) : -1;
  }
  static bool gone(const std::string& pid) { return ::kill(std::stoi(pid), 0) != 0 && errno == ESRCH; }

  /// Waits until the spool has a result. There is no event for that, so it polls. Returns false if none comes
  /// in time.
  bool run_until_spooled() {
    const Instant deadline = now() + kPatience;
    while (spooled().empty() && now() < deadline)
      loop_.step(now() + Millis(5));
    return !spooled().empty();
  }
  /// Returns the files with this ending in all spools.
  std::vector<std::string> spooled(const std::string& ending = ".result") const {
    std::vector<std::string> names;
    for (const auto& item : std::filesystem::recursive_directory_iterator(node_local_)) {
      if (item.path().string().ends_with(ending)) names.push_back(item.path().string());
    }
    return names;
  }

  std::string node_local_;  // the agent's TMPDIR
  KeyPair server_keys_ = make_key_pair();
  KeyPair client_keys_ = make_key_pair();
  std::unique_ptr<Listener> controller_;
  std::string endpoint_;
  EventLoop loop_;
  Child child_;
  Fd stderr_end_;
  std::string printed_;  // what the agent printed for the user
  std::optional<ExitStatus> status_;
  std::string agent_, peer_;
  std::vector<wire::Envelope> received_;
  std::string bulk_, out_, err_;
};

}  // namespace sweep
