// sweep-simserver: an OpenAI-compatible server that simulates continuous batching (docs/simulated-server.md).
// The model and the protocol are in core/; io/server.hpp describes the event loop.
#include <sys/resource.h>

#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <functional>
#include <memory>

#include "benchmarks/sweep-simserver/cli/command_line.hpp"
#include "benchmarks/sweep-simserver/core/fixed_pace.hpp"
#include "benchmarks/sweep-simserver/core/kv_transfer.hpp"
#include "benchmarks/sweep-simserver/io/first_rank.hpp"
#include "benchmarks/sweep-simserver/io/loader.hpp"
#include "benchmarks/sweep-simserver/io/other_rank.hpp"
#include "benchmarks/sweep-simserver/io/router.hpp"
#include "benchmarks/sweep-simserver/io/server.hpp"
#include "util/os/signals.hpp"
#include "util/os/standard_streams.hpp"
#include "util/text.hpp"

namespace sweep::sim_server {
namespace {

constexpr int kUsage = 2;

// Returns what is simulated, without the role: "dsr1 in fp4 on 8 b200".
std::string simulated(const Settings& settings) {
  if (settings.pace == Pace::Zero) return "no model, zero latency";
  if (settings.pace == Pace::Fixed) return "no model, fixed latency";
  const Deployment& setup = settings.setup;
  std::string out = std::string(setup.architecture->name) + " in " + std::string(name_of(setup.precision)) +
                    " on " + std::to_string(setup.tp) + " " + std::string(setup.hardware->name);
  if (setup.ep > 1) out += ", ep " + std::to_string(setup.ep);
  if (setup.dp_attention) out += ", dp-attention";
  return out;
}

// Returns a description of the simulation: "dsr1 in fp4 on 8 b200, prefill worker, rank 0 of 2".
std::string description(const Settings& settings) {
  std::string out = simulated(settings);
  if (settings.role != Role::Server) out += ", " + std::string(name_of(settings.role)) + " worker";
  if (settings.nnodes > 1)
    out += ", rank " + std::to_string(settings.node_rank) + " of " + std::to_string(settings.nnodes);
  return out;
}

Expected<std::unique_ptr<Timeline>> make_worker_timeline(const Settings& settings, Served& served) {
  if (settings.pace == Pace::Zero) return std::unique_ptr<Timeline>();
  if (settings.pace == Pace::Fixed)
    return std::unique_ptr<Timeline>(std::make_unique<FixedPace>(settings.fixed_ttft, settings.fixed_itl));
  SWEEP_ASSIGN(const auto cost, CostModel::make(settings.setup));
  SWEEP_ASSIGN(auto engine, Engine::make(cost, settings.limits));
  served.max_model_len = engine.max_model_len();
  return std::unique_ptr<Timeline>(std::make_unique<Engine>(std::move(engine)));
}

Expected<std::unique_ptr<Timeline>> make_timeline(const Settings& settings, Served& served) {
  SWEEP_ASSIGN(auto timeline, make_worker_timeline(settings, served));
  if (settings.kv_transfer == Time{}) return timeline;
  return std::unique_ptr<Timeline>(std::make_unique<KvTransfer>(std::move(timeline), settings.kv_transfer));
}

// Allow as many connections as the hard limit permits.
void raise_file_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

// The event loop of the process, its signals, and its exit status.
class Process {
 public:
  explicit Process(const Settings& settings) : signals_(loop_), exit_timer_(loop_) {
    set_standard_dispositions();
    raise_file_limit();
    for (const int signal : without_ignored({SIGTERM, SIGINT}))
      signals_.add(signal);
    plan_exit(settings.faults);
  }

  boost::asio::io_context& loop() { return loop_; }
  /// Ends run() with this status.
  void end(int status) {
    status_ = status;
    loop_.stop();
  }
  /// Runs until end() is called or a signal arrives; `stop` is called for a signal.
  int run(const std::function<void()>& stop) {
    signals_.async_wait([&](const boost::system::error_code& code, int signal) {
      if (code) return;
      stop();
      end(signal == SIGINT ? 128 + SIGINT : 0);
    });
    loop_.run();
    return status_;
  }

 private:
  // Exits at once, which looks from outside like an engine that ends without a reason.
  void plan_exit(const FaultPlan& faults) {
    if (!faults.exit) return;
    exit_timer_.expires_after(std::chrono::duration_cast<std::chrono::nanoseconds>(
        std::chrono::duration<double>(faults.exit->seconds)));
    exit_timer_.async_wait([status = faults.exit->status](const boost::system::error_code& code) {
      if (code) return;
      print_error("simulated exit with status " + std::to_string(status) + " (--fault exit" +
                  (status == 0 ? "-0" : "") + "-after)");
      std::_Exit(status);
    });
  }

  boost::asio::io_context loop_{1};
  boost::asio::signal_set signals_;
  boost::asio::steady_timer exit_timer_;
  int status_ = 0;
};

Expected<void> announce(Server& server, const std::string& what) {
  SWEEP_TRY(server.listen());
  std::fprintf(stderr, "sweep-simserver: simulated: %s; its output is not a measurement of hardware\n",
               what.c_str());
  std::printf("listening on %s\n", server.url().c_str());
  std::fflush(stdout);
  return {};
}

int failed(const Error& error) {
  print_error(error.message);
  return 1;
}

// A whole server or a worker; with --nnodes, its rank 0.
int serve(const Settings& settings, std::unique_ptr<Timeline> timeline, const Served& served) {
  Process process(settings);
  Server server(process.loop(), settings, std::move(timeline), served);
  Loader loader(process.loop(), settings);
  std::optional<FirstRank> first;
  if (settings.nnodes > 1) {
    first.emplace(process.loop(), settings,
                  FirstRank::Handlers{.joined = [&] { loader.start([&] { first->loaded(); }); },
                                      .loaded = [&] { server.set_ready(true); },
                                      .failed =
                                          [&](int status) {
                                            server.stop();
                                            process.end(status);
                                          }});
    if (const auto good = first->listen(); !good) return failed(good.error());
  }
  if (const auto good = announce(server, served.description + ", served as '" + settings.model + "'"); !good)
    return failed(good.error());
  server.start();
  if (first) {
    first->start();
  } else {
    loader.start([&] { server.set_ready(true); });
  }
  const int status = process.run([&] {
    if (first) first->stop("it was ended by a signal", false);
    server.stop();
  });
  std::fprintf(stderr, "sweep-simserver: %s\n", server.report().c_str());
  return status;
}

// A rank above 0 of a worker.
int follow(const Settings& settings, const Served& served) {
  Process process(settings);
  OtherRank rank(process.loop(), settings, [&](int status) { process.end(status); });
  std::fprintf(stderr, "sweep-simserver: simulated: %s\n", served.description.c_str());
  rank.start();
  return process.run([&] { rank.stop(); });
}

int route(const Settings& settings) {
  Process process(settings);
  Server server(process.loop(), settings, nullptr, Served{});
  Router router(process.loop(), settings, server);
  server.use_router(router);
  if (const auto good = router.resolve(); !good) return failed(good.error());
  const std::string what = "a router of " + counted(settings.workers.size(), "worker");
  if (const auto good = announce(server, what); !good) return failed(good.error());
  server.start();
  router.start();
  const int status = process.run([&] {
    router.stop();
    server.stop();
  });
  std::fprintf(stderr, "sweep-simserver: %s\n", server.report().c_str());
  return status;
}

int run(const Settings& settings) {
  if (settings.role == Role::Router) return route(settings);
  Served served;
  served.model = settings.model;
  served.created = std::time(nullptr);
  served.description = description(settings);
  auto timeline = make_timeline(settings, served);
  if (!timeline) {
    print_error(timeline.error().message);
    return kUsage;
  }
  if (settings.node_rank > 0) return follow(settings, served);
  return serve(settings, std::move(*timeline), served);
}

}  // namespace
}  // namespace sweep::sim_server

int main(int argc, char** argv) {
  sweep::open_standard_streams();
  try {
    const auto line = sweep::sim_server::read_command_line({argv + 1, argv + argc});
    return line.settings ? sweep::sim_server::run(*line.settings) : line.status;
  } catch (const std::exception& error) {
    sweep::sim_server::print_error("internal error: " + std::string(error.what()));
    return 1;
  }
}
