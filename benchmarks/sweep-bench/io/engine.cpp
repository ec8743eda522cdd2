#include "benchmarks/sweep-bench/io/engine.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <thread>
#include <unordered_set>

#include "benchmarks/monotonic_clock.hpp"
#include "benchmarks/sweep-bench/io/clock.hpp"
#include "util/os/signals.hpp"
#include "util/text.hpp"

namespace sweep::client {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr std::size_t kConcurrentConnects = 64;  // per thread; listen backlogs are 128 or more
constexpr std::size_t kOtherFiles = 64;
constexpr auto kProgressEvery = std::chrono::milliseconds(200);

/// State shared by all threads of a run.
struct Shared {
  const Setup& setup;
  const Target& target;
  const Prompts& prompts;
  std::span<const PlannedRequest> requests;
  std::vector<RequestRecord> records;
  Nanos begin = 0;
  std::atomic<std::size_t> next{0}, done{0};
};

class Worker {
 public:
  Worker(Shared& shared, std::size_t slots)
      : shared_(shared), slots_(slots), state_{shared.setup, shared.target} {}

  /// Opens connections for the first burst of requests, so that none of these has to wait for one.
  void open(std::size_t connections) {
    to_open_ = connections;
    opening_ = true;
    // Connections that are not open by then are left to the requests, which have the same limit and report
    // the failure.
    arrival_.expires_after(std::chrono::nanoseconds(nanos(shared_.setup.options.connect_timeout)));
    arrival_.async_wait([this](const error_code& code) {
      if (!code) state_.loop.stop();
    });
    for (std::size_t i = 0; i < std::min(connections, kConcurrentConnects); ++i)
      open_next();
    if (connections == 0) all_opened();
    state_.loop.run();
    state_.loop.restart();
    give_up_opening();
  }

  void run() {
    rusage before{}, after{};
    ::getrusage(RUSAGE_THREAD, &before);
    const Nanos start = bench::monotonic_ns();
    asio::post(state_.loop, [this] { dispatch(); });
    state_.loop.run();
    ::getrusage(RUSAGE_THREAD, &after);
    const auto cpu = [](const rusage& u) {
      return static_cast<double>(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
             static_cast<double>(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
    };
    const double wall = static_cast<double>(bench::monotonic_ns() - start) * 1e-9;
    state_.report.busiest_thread = wall > 0 ? (cpu(after) - cpu(before)) / wall : 0;
  }

  /// Stops sending and abandons the running requests. May be called from any thread.
  void stop() {
    asio::post(state_.loop, [this] {
      stopped_ = true;
      if (opening_) state_.loop.stop();
      arrival_.cancel();
      for (const auto& exchange : running_)
        exchange->abandon();
      running_.clear();
    });
  }

  const ClientReport& report() const { return state_.report; }

 private:
  void open_next() {
    if (to_open_ == 0) return;
    --to_open_;
    ++under_way_;
    attempts_.push_back(open_connection(state_, [this] {
      if (!opening_) return;
      --under_way_;
      open_next();
      if (under_way_ == 0) all_opened();
    }));
  }
  void all_opened() { arrival_.cancel(); }
  /// Closes connections that are not open yet. The kernel would try for minutes, and the loop wait for it.
  void give_up_opening() {
    opening_ = false;
    error_code ignored;
    for (const auto& connection : attempts_) {
      if (*connection) (*connection)->close(ignored);
    }
    attempts_.clear();
  }

  /// Starts requests as long as there is a free slot and the next request has arrived.
  void dispatch() {
    while (!stopped_ && running_.size() < slots_) {
      if (!next_request_) {
        next_request_ = shared_.next.fetch_add(1);
        free_since_ = bench::monotonic_ns();
      }
      if (*next_request_ >= shared_.requests.size()) return;
      const Nanos arrival = shared_.begin + nanos(shared_.requests[*next_request_].arrival);
      if (arrival > bench::monotonic_ns()) return wait_for(arrival);
      start(*next_request_, arrival);
      next_request_.reset();
    }
  }

  void wait_for(Nanos arrival) {
    arrival_.expires_at(steady(arrival));
    arrival_.async_wait([this](const error_code& code) {
      if (!code) dispatch();
    });
  }

  void start(std::size_t index, Nanos arrival) {
    RequestRecord& record = shared_.records[index];
    record.arrival = arrival;
    record.scheduled = std::max(arrival, free_since_);
    const PlannedRequest& planned = shared_.requests[index];
    auto exchange =
        std::make_shared<Exchange>(state_, record, planned.output_len, shared_.prompts.body(planned),
                                   [this](Exchange& over) { ended(over); });
    running_.insert(exchange);
    exchange->start();
  }

  void ended(Exchange& exchange) {
    const Nanos now = bench::monotonic_ns();
    running_.erase(exchange.shared_from_this());
    shared_.done.fetch_add(1, std::memory_order_relaxed);
    if (!next_request_) {
      next_request_ = shared_.next.fetch_add(1);
      free_since_ = now;
    }
    dispatch();
  }

  Shared& shared_;
  std::size_t slots_;
  ThreadState state_;
  asio::steady_timer arrival_{state_.loop};
  std::unordered_set<std::shared_ptr<Exchange>> running_;
  std::optional<std::size_t> next_request_;  // the next request, waiting for its arrival
  Nanos free_since_ = 0;                     // since when a slot is free for it
  std::size_t to_open_ = 0, under_way_ = 0;
  std::vector<std::shared_ptr<Connection>> attempts_;  // each null once its connection is open
  bool stopped_ = false, opening_ = false;
};

std::vector<std::unique_ptr<Worker>> make_workers(Shared& shared, std::size_t concurrency) {
  const auto wanted = static_cast<std::size_t>(shared.setup.options.threads);
  const std::size_t cores = std::max(1u, std::thread::hardware_concurrency());
  const std::size_t count =
      std::clamp<std::size_t>(wanted > 0 ? wanted : cores, 1, std::max<std::size_t>(1, concurrency));
  std::vector<std::unique_ptr<Worker>> workers;
  for (std::size_t i = 0; i < count; ++i)
    workers.push_back(
        std::make_unique<Worker>(shared, concurrency / count + (i < concurrency % count ? 1 : 0)));
  return workers;
}

/// Calls `what` for each worker in its own thread, and `last` in the thread that finishes last.
template <class What>
std::vector<std::thread> in_threads(std::vector<std::unique_ptr<Worker>>& workers,
                                    std::atomic<std::size_t>& left, What what,
                                    const std::function<void()>& last) {
  left = workers.size();
  std::vector<std::thread> threads;
  for (auto& worker : workers) {
    threads.emplace_back([&left, &worker = *worker, what, last] {
      what(worker);
      if (left.fetch_sub(1) == 1) last();
    });
  }
  return threads;
}

/// Makes `signals` wait for the signals that end a run, unless they were ignored when the program started.
void add_signals(asio::signal_set& signals) {
  for (const int signal : without_ignored({SIGINT, SIGTERM}))
    signals.add(signal);
}

/// Runs an event loop until the workers have finished: reports progress and stops the workers on a signal.
class Supervisor {
 public:
  Supervisor(Shared& shared, std::vector<std::unique_ptr<Worker>>& workers, const Progress& progress)
      : shared_(shared), workers_(workers), progress_(progress) {
    add_signals(signals_);
  }

  /// Returns the signal that ended the run, or 0.
  template <class What>
  int wait(What what) {
    signals_.async_wait([this](const error_code& code, int signal) {
      if (code) return;
      signal_ = signal;
      for (auto& worker : workers_)
        worker->stop();
    });
    tick();
    std::atomic<std::size_t> left;
    auto threads = in_threads(workers_, left, what, [this] { asio::post(loop_, [this] { end(); }); });
    loop_.run();
    for (std::thread& thread : threads)
      thread.join();
    return signal_;
  }

 private:
  void tick() {
    timer_.expires_after(kProgressEvery);
    timer_.async_wait([this](const error_code& code) {
      // A timer that had already expired when it was cancelled reports no error; it must not be restarted.
      if (code || over_) return;
      progress_(shared_.done.load(std::memory_order_relaxed), shared_.requests.size());
      tick();
    });
  }
  void end() {
    over_ = true;
    timer_.cancel();
    signals_.cancel();
  }

  Shared& shared_;
  std::vector<std::unique_ptr<Worker>>& workers_;
  const Progress& progress_;
  asio::io_context loop_{1};
  asio::steady_timer timer_{loop_};
  asio::signal_set signals_{loop_};
  int signal_ = 0;
  bool over_ = false;  // all threads have finished
};

void add_reports(const std::vector<std::unique_ptr<Worker>>& workers, ClientReport& all) {
  all.threads = workers.size();
  for (const auto& worker : workers) {
    const ClientReport& one = worker->report();
    all.read_lag.add(one.read_lag);
    all.kernel_stamps = all.kernel_stamps || one.kernel_stamps;
    all.busiest_thread = std::max(all.busiest_thread, one.busiest_thread);
    all.connections += one.connections;
    all.stale_connections += one.stale_connections;
  }
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  all.peak_memory_kib = usage.ru_maxrss;
}

/// Returns whether a connection to the address succeeds within `limit` seconds.
bool accepts_connection(asio::io_context& loop, const Tcp::endpoint& endpoint, double limit) {
  Tcp::socket probe(loop);
  bool connected = false;
  probe.async_connect(endpoint, [&](const error_code& code) { connected = !code; });
  loop.restart();
  loop.run_for(std::chrono::nanoseconds(nanos(limit)));
  error_code ignored;
  probe.close(ignored);
  loop.restart();
  loop.run();  // the handler of a connection that was given up
  return connected;
}

}  // namespace

Expected<Target> resolve_target(const Setup& setup) {
  asio::io_context loop;
  Tcp::resolver resolver(loop);
  error_code code;
  const auto found = resolver.resolve(setup.host, setup.port, code);
  if (code || found.empty())
    return fail("cannot resolve host '" + printable(setup.host) + "': " + code.message() +
                "; check --base-url or --host");
  Target target;
  target.endpoint = found.begin()->endpoint();
  // Use the first address that accepts a connection: 'localhost' may also resolve to IPv6, while the server
  // listens only on IPv4.
  for (const auto& entry : found) {
    if (!accepts_connection(loop, entry.endpoint(), setup.options.connect_timeout)) continue;
    target.endpoint = entry.endpoint();
    break;
  }
  target.request_head = "POST " + setup.path + " HTTP/1.1\r\nHost: " + setup.host_header +
                        "\r\nUser-Agent: sweep-bench/" SWEEP_VERSION
                        "\r\nContent-Type: application/json\r\n" +
                        "Accept: text/event-stream\r\nAccept-Encoding: identity\r\n";
  if (!setup.options.api_key.empty())
    target.request_head += "Authorization: Bearer " + setup.options.api_key + "\r\n";
  target.request_head += "Content-Length: ";
  return target;
}

Expected<void> raise_file_limit(std::size_t connections) {
  const rlim_t wanted = connections + kOtherFiles;
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur >= wanted) return {};
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, wanted);
  ::setrlimit(RLIMIT_NOFILE, &limit);
  ::getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur >= wanted) return {};
  return fail("cannot run " + std::to_string(connections) + " concurrent requests: they need " +
              std::to_string(wanted) + " open files, but the limit is " + std::to_string(limit.rlim_cur) +
              "; raise it (ulimit -n " + std::to_string(wanted) + ") or lower --max-concurrency");
}

int wait_seconds(double seconds, const std::function<void()>& begin) {
  asio::io_context loop(1);
  asio::steady_timer timer(loop, std::chrono::nanoseconds(nanos(seconds)));
  asio::signal_set signals(loop);
  add_signals(signals);
  begin();
  int ended_by = 0;
  timer.async_wait([&](const error_code&) { signals.cancel(); });
  signals.async_wait([&](const error_code& code, int signal) {
    if (!code) ended_by = signal;
    timer.cancel();
  });
  loop.run();
  return ended_by;
}

RunResult run_requests(const Setup& setup, const Target& target, const Prompts& prompts,
                       std::span<const PlannedRequest> requests, std::size_t concurrency,
                       const Progress& progress) {
  Shared shared{setup, target, prompts, requests, std::vector<RequestRecord>(requests.size())};
  auto workers = make_workers(shared, concurrency);
  RunResult result;
  const std::size_t burst =
      std::count_if(requests.begin(), requests.end(), [](const auto& r) { return r.arrival <= 0; });
  const std::size_t each = (std::min(concurrency, burst) + workers.size() - 1) / workers.size();
  const Progress silent = [](std::size_t, std::size_t) {};
  result.signal = Supervisor(shared, workers, silent).wait([each](Worker& worker) { worker.open(each); });
  if (result.signal != 0) return result;
  shared.begin = bench::monotonic_ns();
  result.begin = shared.begin;
  result.signal = Supervisor(shared, workers, progress).wait([](Worker& worker) { worker.run(); });
  result.end = bench::monotonic_ns();
  add_reports(workers, result.client);
  result.records = std::move(shared.records);
  return result;
}

}  // namespace sweep::client
