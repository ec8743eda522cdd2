// sweep-agent as a process: the real binary with real benchmarks of /bin/sh, and a controller's socket in the
// test.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <memory>

#include "proto/base/env_names.hpp"
#include "proto/net/process.hpp"
#include "proto/net/sockets.hpp"
#include "tests/unit/net_folder.hpp"
#include "tests/unit/net_loop.hpp"

namespace sweep {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

/// A controller's end. In a context of its own: when that is gone, so is the port.
struct Listener {
  Listener(const std::string& address, const KeyPair& keys, const std::string& client_key)
      : doorman(context, client_key), server(ServerSocket::listen(context, address, keys)) {}
  zmq::context_t context;
  Doorman doorman;
  Expected<ServerSocket> server;
};

class AgentProcess : public InFolder {
 protected:
  void TearDown() override {
    if (child_.pidfd.open() && !status_) ::kill(child_.pid, SIGKILL);
    InFolder::TearDown();
  }

  void listen(const std::string& address = "tcp://127.0.0.1:*") {
    controller_ = std::make_unique<Listener>(address, server_keys_, client_keys_.public_key);
    ASSERT_TRUE(controller_->server) << controller_->server.error().message;
    endpoint_ = "tcp://127.0.0.1:" + std::to_string(controller_->server->port());
    loop_.watch(controller_->doorman.socket(), [this] { controller_->doorman.answer(); });
    loop_.watch(controller_->server->socket(), [this] {
      while (take_message()) {
      }
    });
  }
  /// The controller goes away and comes back.
  void listen_again() {
    loop_ = EventLoop();
    controller_.reset();
    watch_agent();
    listen(endpoint_);
  }

  std::vector<std::string> environment(const std::string& secret) const {
    return {"PATH=/usr/bin:/bin",
            "MARK=here",
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
    said_end_ = std::move(out->read_end);
    watch_agent();
  }
  void watch_agent() {
    loop_.watch(said_end_.get(), [this] {
      const Chunk chunk = read_available(said_end_.get(), 4096);
      said_ += chunk.bytes;
      if (chunk.closed) loop_.unwatch(said_end_.get());
    });
    loop_.watch(child_.pidfd.get(), [this] {
      status_ = reap(child_.pid);
      loop_.unwatch(child_.pidfd.get());
    });
  }

  /// Starts an agent that runs `script` and greets it.
  void join(const std::string& script, std::int64_t grace_ms = 10'000, bool pack = false) {
    listen();
    start({"--", "sh", "-c", script}, environment(client_keys_.secret_key));
    const auto hello = await<wire::Hello>();
    ASSERT_TRUE(hello);
    agent_ = hello->agent;
    tell(wire::Welcome{"s", pack, 1'000, grace_ms});
    ASSERT_TRUE(await<wire::Ready>());
  }
  bool take_message() {
    auto incoming = controller_->server->receive();
    if (!incoming || !incoming->content) return false;
    peer_ = incoming->peer;
    came_.push_back(std::move(*incoming->content));
    if (const auto* chunk = std::get_if<wire::LogChunk>(&came_.back().message)) {
      (chunk->is_stderr ? err_ : out_) += came_.back().bulk;
    }
    return true;
  }
  void tell(const wire::Message& message) { EXPECT_TRUE(controller_->server->send(peer_, message)); }

  wire::Lease lease() const {
    wire::Lease out;
    out.ref = {"p", 1};
    out.gpus = 2;
    out.result_filename = "result";
    return out;
  }

  /// The next message of this type that has not been asked for yet; nothing when patience ends before.
  template <class T>
  std::optional<T> await() {
    const auto is_it = [](const wire::Envelope& e) { return std::holds_alternative<T>(e.message); };
    auto found = came_.end();
    run_until(loop_, [&] {
      found = std::find_if(came_.begin(), came_.end(), is_it);
      return found != came_.end();
    });
    if (found == came_.end()) return std::nullopt;
    bulk_ = found->bulk;
    T message = std::get<T>(found->message);
    came_.erase(found);
    return message;
  }
  Outcome outcome() {
    const auto finished = await<wire::Finished>();
    EXPECT_TRUE(finished) << "no Finished came; the agent said: " << said_;
    return finished ? finished->outcome : Outcome{};
  }
  bool output(const std::string& text) {
    return run_until(loop_, [&] { return out_.find(text) != std::string::npos; });
  }
  /// The exit status of the agent, -1 when it does not end.
  int exit_status() {
    run_until(loop_, [&] { return status_.has_value(); });
    return status_ ? status_->code.value_or(-1) : -1;
  }
  static bool gone(const std::string& pid) { return ::kill(std::stoi(pid), 0) != 0 && errno == ESRCH; }

  KeyPair server_keys_ = make_key_pair();
  KeyPair client_keys_ = make_key_pair();
  std::unique_ptr<Listener> controller_;
  std::string endpoint_;
  EventLoop loop_;
  Child child_;
  Fd said_end_;
  std::string said_;  // by the agent, to the user
  std::optional<ExitStatus> status_;
  std::string agent_, peer_;
  std::vector<wire::Envelope> came_;
  std::string bulk_, out_, err_;
};

TEST_F(AgentProcess, RunsAPointToItsEndAndLeaves) {
  join(R"(echo "$CUDA_VISIBLE_DEVICES $((PORT - PORT_OFFSET)) $A"; echo oops >&2
          printf '{"x": 1}' > result.json)");
  EXPECT_EQ(peer_, agent_);
  EXPECT_THAT(agent_, EndsWith(":" + std::to_string(child_.pid)));
  wire::Lease with_variable = lease();
  with_variable.environment = {{"A", "b c"}};
  tell(with_variable);
  const auto started = await<wire::Started>();
  ASSERT_TRUE(started);
  EXPECT_GT(started->pid, 0);
  const auto finished = await<wire::Finished>();
  ASSERT_TRUE(finished);
  EXPECT_EQ(finished->outcome.kind, OutcomeKind::Ok) << describe(finished->outcome);
  EXPECT_EQ(bulk_, R"({"x": 1})");
  EXPECT_EQ(out_, "0,1 8888 b c\n");
  EXPECT_EQ(err_, "oops\n");
  EXPECT_THAT(listing(), testing::ElementsAre("result.json"));
  tell(wire::Settled{{"p", 1}, true});
  tell(wire::Drain{true, "over"});
  EXPECT_TRUE(await<wire::Goodbye>());
  EXPECT_EQ(exit_status(), 0);
  EXPECT_THAT(listing(), IsEmpty());
  EXPECT_EQ(said_, "");
}

TEST_F(AgentProcess, TheSecretIsNowhereForABenchmarkToFind) {
  join(R"(env; tr '\0' '\n' < /proc/$PPID/environ)");
  tell(lease());
  EXPECT_EQ(outcome().kind, OutcomeKind::NoResult);
  const std::string all = out_ + err_;
  EXPECT_NE(all.find("MARK=here"), all.rfind("MARK=here")) << "both environments were to be seen: " << all;
  EXPECT_THAT(all, Not(HasSubstr(client_keys_.secret_key)));
  EXPECT_THAT(all.substr(0, all.rfind("MARK=here")), Not(HasSubstr(SWEEP_ENV_PREFIX)));
}

TEST_F(AgentProcess, AnOldResultFileIsNoResult) {
  put("result.json", "{}");
  join("true");
  tell(lease());
  EXPECT_EQ(outcome().kind, OutcomeKind::NoResult);
  tell(wire::Settled{{"p", 1}, false});
  tell(wire::Drain{false, "over"});
  EXPECT_EQ(exit_status(), 1);
  EXPECT_THAT(listing(), testing::ElementsAre("result.json"));
}

TEST_F(AgentProcess, AResultThatIsNoFile) {
  join("mkdir result.json");
  tell(lease());
  const Outcome end = outcome();
  EXPECT_EQ(end.kind, OutcomeKind::NoResult);
  EXPECT_THAT(end.reason, HasSubstr("Is a directory"));
}

TEST_F(AgentProcess, AFileThatWasWrittenAnewIsNotRemoved) {
  join("echo '{1}' > result.json");
  tell(lease());
  EXPECT_EQ(outcome().kind, OutcomeKind::Ok);
  put("result.json", "{another}");  // by the next attempt, before this one is settled
  tell(wire::Settled{{"p", 1}, true});
  tell(wire::Drain{true, "over"});
  EXPECT_EQ(exit_status(), 0);
  EXPECT_THAT(listing(), testing::ElementsAre("result.json"));
}

TEST_F(AgentProcess, ExitStatusSignalAndWhatCannotStart) {
  join(R"(echo "$MODE" >&2; case $MODE in segv) kill -SEGV $$;; *) exit 3;; esac)");
  wire::Lease one = lease();
  tell(one);
  Outcome end = outcome();
  EXPECT_EQ(end.kind, OutcomeKind::BenchmarkFailed);
  EXPECT_EQ(end.exit_code, 3);

  one.ref.attempt = 2;
  one.environment = {{"MODE", "segv"}};
  tell(one);
  end = outcome();
  EXPECT_EQ(end.kind, OutcomeKind::BenchmarkFailed);
  EXPECT_EQ(end.signal, SIGSEGV);
  EXPECT_EQ(end.reason, "segv");

  one.ref.attempt = 3;
  one.workspace = path("nowhere");
  tell(one);
  end = outcome();
  EXPECT_EQ(end.kind, OutcomeKind::BenchmarkFailed);
  EXPECT_EQ(end.phase, "start");
  EXPECT_THAT(end.reason, HasSubstr("nowhere"));
}

TEST_F(AgentProcess, KillsAGrandchildThatIgnoresTerm) {
  join(R"(sh -c 'trap "" TERM; echo $$.; exec sleep 1000' & wait)", 100);
  tell(lease());
  ASSERT_TRUE(output(".\n"));
  tell(wire::Cancel{{"p", 1}, "enough"});
  EXPECT_EQ(outcome().kind, OutcomeKind::Cancelled);
  EXPECT_TRUE(gone(out_));
}

TEST_F(AgentProcess, WhatTheFirstProcessLeavesBehindIsEndedBeforeFinished) {
  // Both hold the output open; one is in the group, one has left it.
  join(R"(mkfifo pid; setsid sh -c 'echo $$ > pid; exec sleep 1000' & read other < pid; sleep 1000 &
          echo $! $other; echo {} > result.json)");
  tell(lease());
  EXPECT_EQ(outcome().kind, OutcomeKind::Ok);
  const std::size_t blank = out_.find(' ');
  ASSERT_NE(blank, std::string::npos) << out_;
  EXPECT_TRUE(gone(out_.substr(0, blank)));
  EXPECT_TRUE(gone(out_.substr(blank)));
}

TEST_F(AgentProcess, WhatBecomesAnOrphanWhileItsAttemptEndsIsEndedToo) {
  constexpr std::int64_t kAnHour = 3'600'000;  // no second signal comes
  join(R"(mkfifo pid; setsid sh -c 'setsid sh -c "echo \$\$ > pid; exec sleep 1000" & wait' & read inner < pid
          echo $inner)",
       kAnHour);
  tell(lease());
  EXPECT_EQ(outcome().kind, OutcomeKind::NoResult);
  ASSERT_THAT(out_, EndsWith("\n"));
  EXPECT_TRUE(gone(out_));
}

TEST_F(AgentProcess, OfTwoAttemptsEachEndsItsOwnProcessesOnly) {
  // Orphans from the start, so that only their environment says whose they are.
  join(R"(mkfifo $POINT; (setsid sh -c 'echo $$ > $POINT; exec sleep 1000' &) ; read other < $POINT
          echo "$POINT=$other." ; test $POINT = a || exec sleep 1000)",
       10'000, true);
  wire::Lease one = lease();
  one.gpus = 1;
  one.ref.point = "b";
  one.environment = {{"POINT", "b"}};
  tell(one);
  ASSERT_TRUE(output(".\n"));
  const std::string of_b = out_.substr(2);
  out_.clear();
  one.ref.point = "a";
  one.environment = {{"POINT", "a"}};
  tell(one);
  EXPECT_EQ(outcome().kind, OutcomeKind::NoResult);
  EXPECT_THAT(out_, StartsWith("a="));
  EXPECT_TRUE(gone(out_.substr(2)));
  EXPECT_FALSE(gone(of_b));
  tell(wire::Cancel{{"b", 1}, "enough"});
  EXPECT_EQ(outcome().kind, OutcomeKind::Cancelled);
  EXPECT_TRUE(gone(of_b));
}

TEST_F(AgentProcess, ADeadlineEndsIt) {
  join("echo started; exec sleep 1000");
  wire::Lease limited = lease();
  limited.timeouts.server_ms = 50;
  tell(limited);
  const Outcome end = outcome();
  EXPECT_EQ(end.kind, OutcomeKind::TimedOut);
  EXPECT_EQ(end.phase, "server");
}

TEST_F(AgentProcess, SignalledItGivesBackWhatItHasAndLeaves) {
  join("echo $$.; exec sleep 1000");
  tell(lease());
  ASSERT_TRUE(output(".\n"));
  ::kill(child_.pid, SIGTERM);
  EXPECT_EQ(outcome().kind, OutcomeKind::Preempted);
  EXPECT_TRUE(gone(out_));
  EXPECT_TRUE(await<wire::Goodbye>());
  EXPECT_EQ(exit_status(), 1);
  EXPECT_THAT(said_, StartsWith("sweep-agent: "));
  EXPECT_THAT(said_, HasSubstr("SIGTERM"));
}

TEST_F(AgentProcess, ANewConnectionBringsHelloAndFinishedAgain) {
  join("echo {} > result.json");
  tell(lease());
  EXPECT_EQ(outcome().kind, OutcomeKind::Ok);
  listen_again();
  ASSERT_TRUE(await<wire::Hello>());
  tell(wire::Welcome{"s", false, 1'000, 0});
  EXPECT_EQ(outcome().kind, OutcomeKind::Ok);
  EXPECT_EQ(bulk_, "{}\n");
}

TEST_F(AgentProcess, SaysSoWhenTheControllerDoesNotKnowItsKey) {
  listen();
  start({}, environment(make_key_pair().secret_key));
  EXPECT_EQ(exit_status(), 1);
  EXPECT_THAT(said_, StartsWith("sweep-agent: the controller at " + endpoint_ + " does not know"));
}

TEST_F(AgentProcess, SaysWhatIsMissingOrWrong) {
  start({"--", "true"}, {"PATH=/usr/bin:/bin", SWEEP_ENV_ENDPOINT "=tcp://127.0.0.1:1"});
  EXPECT_EQ(exit_status(), 2);
  EXPECT_THAT(said_, StartsWith("sweep-agent: "));
  EXPECT_THAT(said_, HasSubstr(SWEEP_ENV_SERVER_KEY));
  EXPECT_THAT(said_, HasSubstr(SWEEP_ENV_CLIENT_SECRET));
  EXPECT_EQ(std::count(said_.begin(), said_.end(), '\n'), 1);
}

TEST_F(AgentProcess, AnArgumentThatIsNone) {
  start({"true"}, {});
  EXPECT_EQ(exit_status(), 2);
  EXPECT_THAT(said_, HasSubstr("'true'"));
}

TEST_F(AgentProcess, HelpAndVersion) {
  start({"--version"}, {});
  EXPECT_EQ(exit_status(), 0);
  EXPECT_EQ(said_, "sweep-agent " SWEEP_VERSION "\n");
}

}  // namespace
}  // namespace sweep
