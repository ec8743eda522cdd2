// sweep-simserver: an OpenAI-compatible server that simulates continuous batching (docs/simulated-server.md).
// The model and the protocol are in core/; io/server.hpp describes the event loop.
#include <sys/resource.h>

#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <exception>
#include <memory>

#include "benchmarks/sweep-simserver/cli/command_line.hpp"
#include "benchmarks/sweep-simserver/core/fixed_pace.hpp"
#include "benchmarks/sweep-simserver/io/server.hpp"
#include "util/os/signals.hpp"
#include "util/os/standard_streams.hpp"

namespace sweep::sim_server {
namespace {

constexpr int kUsage = 2;

// Returns a description of the simulation: "dsr1 in fp4 on 8 b200".
std::string description(const Settings& settings) {
  if (settings.pace == Pace::Zero) return "no model, zero latency";
  if (settings.pace == Pace::Fixed) return "no model, fixed latency";
  const Deployment& setup = settings.setup;
  std::string out = std::string(setup.architecture->name) + " in " + std::string(name_of(setup.precision)) +
                    " on " + std::to_string(setup.tp) + " " + std::string(setup.hardware->name);
  if (setup.ep > 1) out += ", ep " + std::to_string(setup.ep);
  if (setup.dp_attention) out += ", dp-attention";
  return out;
}

Expected<std::unique_ptr<Timeline>> make_timeline(const Settings& settings, Served& served) {
  if (settings.pace == Pace::Zero) return std::unique_ptr<Timeline>();
  if (settings.pace == Pace::Fixed)
    return std::unique_ptr<Timeline>(std::make_unique<FixedPace>(settings.fixed_ttft, settings.fixed_itl));
  SWEEP_ASSIGN(const auto cost, CostModel::make(settings.setup));
  SWEEP_ASSIGN(auto engine, Engine::make(cost, settings.limits));
  served.max_model_len = engine.max_model_len();
  return std::unique_ptr<Timeline>(std::make_unique<Engine>(std::move(engine)));
}

// Allow as many connections as the hard limit permits.
void raise_file_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

int serve(const Settings& settings) {
  Served served;
  served.model = settings.model;
  served.created = std::time(nullptr);
  served.description = description(settings);
  auto pace = make_timeline(settings, served);
  if (!pace) {
    print_error(pace.error().message);
    return kUsage;
  }
  set_standard_dispositions();
  raise_file_limit();

  boost::asio::io_context loop(1);
  int status = 0;
  boost::asio::signal_set signals(loop);
  for (const int signal : without_ignored({SIGTERM, SIGINT}))
    signals.add(signal);
  Server server(loop, settings, std::move(*pace), served);
  if (const auto taken = server.listen(); !taken) {
    print_error(taken.error().message);
    return 1;
  }
  std::fprintf(
      stderr, "sweep-simserver: simulated: %s, served as '%s'; its output is not a measurement of hardware\n",
      served.description.c_str(), settings.model.c_str());
  std::printf("listening on %s\n", server.url().c_str());
  std::fflush(stdout);
  signals.async_wait([&](const boost::system::error_code& code, int signal) {
    if (code) return;
    status = signal == SIGINT ? 128 + SIGINT : 0;
    server.stop();
    loop.stop();
  });
  server.start();
  loop.run();
  std::fprintf(stderr, "sweep-simserver: %s\n", server.report().c_str());
  return status;
}

}  // namespace
}  // namespace sweep::sim_server

int main(int argc, char** argv) {
  sweep::open_standard_streams();
  try {
    const auto line = sweep::sim_server::read_command_line({argv + 1, argv + argc});
    return line.settings ? sweep::sim_server::serve(*line.settings) : line.status;
  } catch (const std::exception& error) {
    sweep::sim_server::print_error("internal error: " + std::string(error.what()));
    return 1;
  }
}
