#include "benchmarks/bench_turnaround_floors.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <thread>

#include "benchmarks/bench_noop.hpp"
#include "benchmarks/monotonic_clock.hpp"
#include "controller/journal/journal.hpp"
#include "proto/net/event_loop.hpp"
#include "proto/net/sockets.hpp"
#include "util/os/clock.hpp"
#include "util/os/files.hpp"
#include "util/os/process.hpp"

namespace sweep::bench {

namespace {

constexpr std::size_t kMaxStamps = 64 << 20;

double now_us() {
  return static_cast<double>(monotonic_ns()) / 1000;
}

// The signal mask and descriptors that the agent gives its benchmarks.
class SpawnSettings {
 public:
  SpawnSettings() {
    ::posix_spawnattr_init(&attributes);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    sigset_t none;
    sigemptyset(&none);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  }
  ~SpawnSettings() {
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&actions);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;

  posix_spawnattr_t attributes{};
  posix_spawn_file_actions_t actions{};
};

Expected<double> time_spawn(const SpawnSettings& settings, const std::string& noop,
                            const std::vector<std::string>& environment) {
  std::vector<char*> entries;
  for (const std::string& entry : environment)
    entries.push_back(const_cast<char*>(entry.c_str()));
  entries.push_back(nullptr);
  std::string program = noop;
  char* const argv[] = {program.data(), nullptr};
  pid_t pid = -1;
  int status = 0;
  const double begin = now_us();
  const int code =
      ::posix_spawn(&pid, noop.c_str(), &settings.actions, &settings.attributes, argv, entries.data());
  if (code != 0) return fail("cannot start '" + noop + "': " + errno_text(code));
  if (::waitpid(pid, &status, 0) != pid || status != 0) return fail("'" + noop + "' failed");
  return now_us() - begin;
}

wire::Finished finished() {
  wire::Finished message{.ref = {"0123456789abcdef", 1}, .outcome = {}, .wall_ms = 1};
  message.outcome.kind = OutcomeKind::Ok;
  message.outcome.exit_code = 0;
  return message;
}

/// The controller's side: returns every message to its sender until a Goodbye arrives.
class EchoServer {
 public:
  static Expected<std::unique_ptr<EchoServer>> open() {
    std::unique_ptr<EchoServer> echo(new EchoServer);
    SWEEP_ASSIGN(auto socket, ServerSocket::listen(echo->context_, "tcp://127.0.0.1:*", echo->server_keys));
    echo->socket_.emplace(std::move(socket));
    echo->loop_.watch(echo->authenticator_.socket(), [e = echo.get()] { e->authenticator_.answer(); });
    echo->loop_.watch(echo->socket_->socket(), [e = echo.get()] { e->take(); });
    return echo;
  }

  void run() {
    while (!over_)
      loop_.step(std::nullopt);
  }
  std::string endpoint() const { return "tcp://127.0.0.1:" + std::to_string(socket_->port()); }

  const KeyPair server_keys = make_key_pair(), client_keys = make_key_pair();

 private:
  EchoServer() = default;
  void take() {
    while (auto incoming = socket_->receive()) {
      if (!incoming->content || std::holds_alternative<wire::Goodbye>(incoming->content->message)) {
        over_ = true;
      } else {
        socket_->send(incoming->peer, incoming->content->message, incoming->content->bulk);
      }
    }
  }

  zmq::context_t context_;
  KeyAuthenticator authenticator_{context_, client_keys.public_key};
  std::optional<ServerSocket> socket_;
  EventLoop loop_;
  bool over_ = false;
};

journal::Batch two_events(int i) {
  char id[17];
  std::snprintf(id, sizeof id, "%016x", i);
  core::Ended ended;
  ended.ref = {id, 1};
  ended.outcome.kind = OutcomeKind::Ok;
  ended.outcome.exit_code = 0;
  ended.accepted = true;
  ended.next = core::PointState::Done;
  std::snprintf(id, sizeof id, "%016x", i + 1);
  return {.events = {{now(), ended}, {now(), core::Leased{{id, 1}, "host:12345"}}}, .results = {}};
}

}  // namespace

Expected<std::vector<double>> read_gaps(const std::string& file) {
  SWEEP_ASSIGN(const auto bytes, read_file(file, kMaxStamps));
  std::vector<NoopStamps> stamps(bytes.size() / sizeof(NoopStamps));
  std::memcpy(stamps.data(), bytes.data(), stamps.size() * sizeof(NoopStamps));
  std::vector<double> gaps;
  for (std::size_t i = 1; i < stamps.size(); ++i) {
    gaps.push_back(static_cast<double>(stamps[i].start_ns - stamps[i - 1].end_ns) / 1000.0);
    if (gaps.back() < 0) return fail("two runs of bench-noop overlapped");
  }
  return gaps;
}

Expected<SpawnTimes> time_spawns(const std::string& noop, const std::string& directory, int count) {
  const SpawnSettings settings;
  const std::string stamps = directory + "/floor_stamps";
  const auto result = [&](int i) { return directory + "/floor_" + std::to_string(i); };
  std::vector<std::string> environment = own_environment();
  environment.insert(environment.end(), {"BENCH_NOOP_STAMPS=" + stamps, "CONC=1", ""});
  SpawnTimes times;
  for (int i = 0; i < count; ++i) {
    environment.back() = "RESULT_FILENAME=" + result(i);
    SWEEP_ASSIGN(const auto whole, time_spawn(settings, noop, environment));
    times.whole.push_back(whole);
  }
  SWEEP_ASSIGN(auto gaps, read_gaps(stamps));
  times.gap = std::move(gaps);
  for (int i = 0; i < count; ++i)
    ::unlink((result(i) + ".json").c_str());
  ::unlink(stamps.c_str());
  return times;
}

Expected<std::vector<double>> time_round_trips(int count) {
  constexpr std::size_t kResultBytes = 800;  // about what bench-noop writes
  constexpr int kWarmUp = 10;
  const std::string result(kResultBytes, 'x');
  SWEEP_ASSIGN(auto echo, EchoServer::open());
  zmq::context_t context;
  SWEEP_ASSIGN(auto client, ClientSocket::connect(context, echo->endpoint(), echo->server_keys.public_key,
                                                  echo->client_keys.secret_key));
  const std::jthread server([&] { echo->run(); });
  EventLoop loop;
  bool back = false;
  loop.watch(client.socket(), [&] {
    while (client.receive())
      back = true;
  });
  std::vector<double> times;
  for (int i = 0; i < kWarmUp + count; ++i) {
    const double begin = now_us();
    client.send(finished(), result);
    for (back = false; !back;)
      loop.step(std::nullopt);
    if (i >= kWarmUp) times.push_back(now_us() - begin);
  }
  client.send(wire::Goodbye{"measured"});
  return times;
}

Expected<std::vector<double>> time_commits(const std::string& directory, int count) {
  const std::string path = directory + "/floor.db";
  std::vector<double> times;
  {
    auto journal = journal::Journal::create(path, {});
    if (!journal) return tl::unexpected(journal.error());
    for (int i = 0; i < count; ++i) {
      const journal::Batch batch = two_events(i);
      const double begin = now_us();
      SWEEP_TRY(journal->commit(batch));
      times.push_back(now_us() - begin);
    }
  }
  for (const char* suffix : {"", "-wal", "-shm"})
    ::unlink((path + suffix).c_str());
  return times;
}

}  // namespace sweep::bench
