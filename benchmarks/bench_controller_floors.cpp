#include "benchmarks/bench_controller_floors.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <set>

#include "controller/journal/journal.hpp"
#include "proto/net/curve.hpp"
#include "proto/net/event_loop.hpp"
#include "proto/net/sockets.hpp"
#include "util/os/clock.hpp"
#include "util/os/files.hpp"
#include "util/os/process.hpp"

namespace sweep::bench {

namespace {

constexpr std::size_t kResultBytes = 800;  // about the size that a simulated agent sends
constexpr int kMessagesPerTurn = 1'000;

std::string point_id(int number) {
  char id[24];
  std::snprintf(id, sizeof id, "%016x", static_cast<unsigned>(number));
  return id;
}

// --- the stub controller

wire::Lease lease(int number) {
  wire::Lease out;
  out.ref = {point_id(number), 1};
  out.label = "bench_1k1k fp4 sglang b200 tp1 conc" + std::to_string(number);
  out.result_filename = "bench_1k1k_fp4_sglang_tp1_ep1_dpa_false_conc1_n000001";
  const std::string conc = std::to_string(number);
  for (const char* name :
       {"EXP_NAME", "MODEL", "IMAGE", "FRAMEWORK", "PRECISION", "ISL", "OSL", "MAX_MODEL_LEN", "TP",
        "EP_SIZE", "DP_ATTENTION", "RANDOM_RANGE_RATIO", "RUNNER_NAME", "RUNNER_TYPE", "HF_HUB_CACHE", "PORT",
        "PORT_OFFSET", "RESULT_FILENAME", "CONC"})
    out.environment.emplace_back(name, conc);
  out.command = {"benchmarks/bench_fp4_b200_slurm.sh"};
  out.timeouts = {3'600'000, 0, 10'800'000};
  return out;
}

class StubServer {
 public:
  StubServer(const KeyPair& server, const KeyPair& client, int agents, int points)
      : authenticator_(context_, client.public_key), agents_(agents), points_(points) {
    auto listening = listening_socket();
    if (!listening) return;
    auto socket = ServerSocket::listen(context_, std::move(*listening), server);
    if (!socket) return;
    socket_.emplace(std::move(*socket));
    loop_.watch(authenticator_.socket(), [this] { authenticator_.answer(); });
    loop_.watch(socket_->socket(), [this] {
      for (int i = 0; i < kMessagesPerTurn; ++i) {
        auto incoming = socket_->receive();
        if (!incoming) return;
        if (incoming->content) handle(incoming->peer, incoming->content->message);
      }
    });
  }
  int port() const { return socket_ ? socket_->port() : 0; }
  [[noreturn]] void run() {
    for (;;)
      loop_.step(std::nullopt);
  }

 private:
  void handle(const std::string& peer, const wire::Message& message) {
    if (std::holds_alternative<wire::Hello>(message)) {
      peers_.insert(peer);
      socket_->send(peer, wire::Welcome{"stub", false, 10'000, 10'000, 600'000, ""});
    } else if (std::holds_alternative<wire::Ready>(message)) {
      socket_->send(peer, lease(++leased_));
    } else if (const auto* finished = std::get_if<wire::Finished>(&message)) {
      socket_->send(peer, wire::Settled{finished->ref, true});
      if (leased_ < points_) socket_->send(peer, lease(++leased_));
      if (++settled_ < points_) return;
      for (const std::string& one : peers_)
        socket_->send(one, wire::Drain{true, ""});
    }
  }

  zmq::context_t context_;
  KeyAuthenticator authenticator_;
  std::optional<ServerSocket> socket_;
  EventLoop loop_;
  std::set<std::string> peers_;
  int agents_, points_, leased_ = 0, settled_ = 0;
};

// Runs in the child process. Writes its port to `port_fd` and serves until it is killed.
[[noreturn]] void run_stub(int port_fd, const KeyPair& server, const KeyPair& client, int agents,
                           int points) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  StubServer stub(server, client, agents, points);
  const int port = stub.port();
  if (port == 0 || ::write(port_fd, &port, sizeof port) != sizeof port) ::_exit(1);
  ::close(port_fd);
  stub.run();
}

}  // namespace

Expected<StubController> StubController::start(int agents, int points) {
  const KeyPair server = make_key_pair(), client = make_key_pair();
  int ends[2] = {-1, -1};
  if (::pipe(ends) != 0) return fail("pipe: " + errno_text(errno));
  const pid_t pid = ::fork();
  if (pid < 0) return fail("fork: " + errno_text(errno));
  if (pid == 0) {
    ::close(ends[0]);
    run_stub(ends[1], server, client, agents, points);
  }
  ::close(ends[1]);
  int port = 0;
  const bool received = ::read(ends[0], &port, sizeof port) == sizeof port;
  ::close(ends[0]);
  StubController stub(pid, {"tcp://127.0.0.1:" + std::to_string(port), server.public_key, client.secret_key});
  if (!received) return fail("the stub controller did not start");
  return stub;
}

StubController::~StubController() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

// --- the journal

namespace {

void add_point(journal::Batch& batch, int number, const std::string& result) {
  const core::AttemptRef ref{point_id(number), 1};
  core::Ended ended;
  ended.ref = ref;
  ended.outcome.exit_code = 0;
  ended.accepted = true;
  ended.next = core::PointState::Done;
  batch.events.push_back({now(), core::Leased{ref, "bench.000001"}});
  batch.events.push_back({now(), core::Started{ref, 1}});
  batch.events.push_back({now(), ended});
  batch.results.push_back({ref, "n000001", true, result});
}

}  // namespace

Expected<double> time_journal(const std::string& directory, int points, int batch) {
  const std::string path = directory + "/floor.db", result(kResultBytes, 'x');
  journal::Opening opening;
  for (int i = 0; i < points; ++i) {
    opening.ids.push_back(point_id(i));
    opening.entries.push_back("{\"conc\":" + std::to_string(i) + "}");
  }
  Clock::duration spent{};
  {
    auto journal = journal::Journal::create(path, opening);
    if (!journal) return tl::unexpected(journal.error());
    for (int next = 0; next < points;) {
      journal::Batch rows;
      for (int i = 0; i < batch && next < points; ++i)
        add_point(rows, next++, result);
      const auto begin = Clock::now();
      SWEEP_TRY(journal->commit(rows));
      spent += Clock::now() - begin;
    }
  }
  for (const char* suffix : {"", "-wal", "-shm"})
    ::unlink((path + suffix).c_str());
  return std::chrono::duration<double, std::micro>(spent).count() / points;
}

}  // namespace sweep::bench
