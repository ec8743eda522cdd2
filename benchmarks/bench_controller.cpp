// bench_controller: measures one controller, `sweepctl serve` started as by the plugin, with thousands of
// simulated agents over loopback with CURVE: throughput, latency, memory, and CPU use while idle.
//
// Phases: all agents connect; each holds a point and only heartbeats are sent (idle); every point finishes as
// soon as it is leased (saturated: points per second); points last a while, so that they finish at a given
// rate (paced: how long an agent waits from its result to its next lease); the end of the sweep.
//
// In the saturated phase as many results are under way as there are agents, so a wait is the number of agents
// divided by points per second, regardless of the controller. Waits are therefore also measured at a rate
// that the controller can sustain. The floors are the same messages with a process that takes no decisions
// and writes nothing, and the same rows in a journal. All files are below --dir, on a disk, and are removed
// at the end.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <optional>

#include "benchmarks/bench_command.hpp"
#include "benchmarks/bench_common.hpp"
#include "benchmarks/bench_controller_floors.hpp"
#include "benchmarks/bench_controller_process.hpp"
#include "benchmarks/bench_noop_sweep.hpp"
#include "benchmarks/process_usage.hpp"
#include "benchmarks/simulated_agents.hpp"
#include "benchmarks/statistics.hpp"
#include "util/json.hpp"
#include "util/os/files.hpp"

namespace sweep::bench {
namespace {

constexpr double kAimPointsPerSecond = 5'000, kAimWaitMs = 50, kAimPeakMb = 300, kAimIdlePercent = 2;
constexpr std::size_t kSpareDescriptors = 200;
// The controller handles 1,000 messages at once: Started and Finished per point.
constexpr int kMaxPointsPerTurn = 500;

struct Options {
  Directories directories;
  int agents = 1'000, points = 100'000, idle_seconds = 30, paced_seconds = 10;
  double paced_rate = 1'000;
  bool json = false, floors = true;
};

struct Floors {
  double us_messages = 0, us_journal = 0;  // microseconds per point
  double connect_seconds = 0;
};

struct Measured {
  double load = 0;
  std::optional<Floors> floors;
  double connect_seconds = 0, idle_percent = 0, idle_seconds = 0;
  SimulatedAgents::PhaseTotals saturated, paced;
  // CPU seconds of the controller and of this process in the saturated phase.
  double saturated_cpu = 0, own_cpu = 0;
  long idle_kib = 0, sweep_peak_kib = 0, peak_kib = 0;
  int descriptors = 0;
  double end_seconds = 0;
};

double own_cpu() {
  const auto usage = usage_of(::getpid());
  return usage ? usage->cpu_seconds : 0;
}

Expected<Usage> usage_or_error(pid_t pid) {
  const auto usage = usage_of(pid);
  if (!usage) return fail("the controller has ended unexpectedly");
  return *usage;
}

// --- the floors

Expected<Floors> measure_floors(const Options& options, const std::string& folder, SignalFd& signals) {
  Floors floors;
  {
    SWEEP_ASSIGN(const auto stub, StubController::start(options.agents, options.points));
    SimulatedAgents agents(options.agents, signals);
    SWEEP_ASSIGN(const auto connected, agents.connect(stub.connect_info()));
    floors.connect_seconds = connected;
    SWEEP_TRY(agents.take_work());
    SWEEP_ASSIGN(const auto saturated,
                 agents.run_saturated(static_cast<std::uint64_t>(options.points - 2 * options.agents)));
    floors.us_messages = saturated.seconds * 1e6 / static_cast<double>(saturated.points);
  }
  SWEEP_ASSIGN(const auto journal,
               time_journal(folder, options.points, std::min(options.agents, kMaxPointsPerTurn)));
  floors.us_journal = journal;
  return floors;
}

// --- the sweep

Expected<void> write_inputs(const Options& options, const std::string& folder) {
  SWEEP_TRY(write_noop_matrix(folder + "/matrix.yaml", options.points));
  return write_file_atomic(folder + "/profile.yaml", "gpus: ignore\nauth: key\nworkspace: " + folder + "\n");
}

Expected<void> measure_idle(const Options& options, const ControllerProcess& controller,
                            SimulatedAgents& agents, Measured& out) {
  SWEEP_ASSIGN(const auto before, usage_or_error(controller.pid()));
  const auto start = Clock::now();
  SWEEP_TRY(agents.idle(std::chrono::seconds(options.idle_seconds)));
  SWEEP_ASSIGN(const auto after, usage_or_error(controller.pid()));
  out.idle_seconds = std::chrono::duration<double>(Clock::now() - start).count();
  out.idle_percent = (after.cpu_seconds - before.cpu_seconds) / out.idle_seconds * 100;
  out.idle_kib = after.rss_kib;
  out.descriptors = after.descriptors;
  return {};
}

Expected<void> measure_work(const Options& options, const ControllerProcess& controller,
                            SimulatedAgents& agents, Measured& out) {
  const int paced =
      std::min(static_cast<int>(options.paced_rate * options.paced_seconds), options.points / 4);
  SWEEP_ASSIGN(const auto before, usage_or_error(controller.pid()));
  const double own_before = own_cpu();
  SWEEP_ASSIGN(auto saturated,
               agents.run_saturated(static_cast<std::uint64_t>(options.points - paced - 2 * options.agents)));
  SWEEP_ASSIGN(const auto after, usage_or_error(controller.pid()));
  out.own_cpu = own_cpu() - own_before;
  out.saturated_cpu = after.cpu_seconds - before.cpu_seconds;
  out.saturated = std::move(saturated);
  const std::chrono::duration<double> mean(options.agents / options.paced_rate);
  SWEEP_ASSIGN(out.paced, agents.run_paced(static_cast<std::uint64_t>(paced),
                                           std::chrono::duration_cast<Clock::duration>(mean)));
  if (out.paced.lease_ms.empty()) return fail("the paced phase measured no wait; give more --points");
  return {};
}

Expected<void> measure_sweep(const Options& options, const std::string& folder, SignalFd& signals,
                             Measured& out) {
  SWEEP_TRY(write_inputs(options, folder));
  SWEEP_ASSIGN(auto controller, ControllerProcess::start(options.directories.bin, folder, signals));
  {
    SimulatedAgents agents(options.agents, signals);
    SWEEP_ASSIGN(const auto connected, agents.connect(controller.connect_info()));
    out.connect_seconds = connected;
    SWEEP_TRY(agents.take_work());
    SWEEP_TRY(measure_idle(options, controller, agents, out));
    SWEEP_TRY(measure_work(options, controller, agents, out));
    SWEEP_ASSIGN(const auto complete, agents.drain());
    if (!complete || agents.rejected_results() > 0) return fail("the sweep did not complete");
    out.sweep_peak_kib = usage_or_error(controller.pid()).value_or(Usage{}).peak_kib;
  }
  const auto over = Clock::now();
  SWEEP_ASSIGN(const auto peak, controller.finish(signals));
  out.end_seconds = std::chrono::duration<double>(Clock::now() - over).count();
  out.peak_kib = std::max(peak, out.sweep_peak_kib);
  return {};
}

// --- the report

double per_second(std::uint64_t count, const SimulatedAgents::PhaseTotals& totals) {
  return totals.seconds > 0 ? static_cast<double>(count) / totals.seconds : 0;
}

double mb(long kib) {
  return static_cast<double>(kib) * 1024 / 1e6;
}

void row(const char* name, const std::string& value) {
  std::printf("%-64s %s\n", name, value.c_str());
}

void print_waits(const char* name, const SimulatedAgents::PhaseTotals& totals) {
  row(name, formatted("%8.1f ms p50 %8.1f p99 %8.1f max   (n %zu)", percentile_of(totals.lease_ms, 50),
                      percentile_of(totals.lease_ms, 99), percentile_of(totals.lease_ms, 100),
                      totals.lease_ms.size()));
}

void print_floors(const Measured& m) {
  if (!m.floors) return;
  const double us = m.saturated.seconds * 1e6 / static_cast<double>(m.saturated.points);
  const double sum = m.floors->us_messages + m.floors->us_journal;
  row("floor a  only the messages, with as many agents",
      formatted("%8.1f us per point (%.0f points/s)", m.floors->us_messages, 1e6 / m.floors->us_messages));
  row("floor b  only the rows, in a journal",
      formatted("%8.1f us per point (%.0f points/s)", m.floors->us_journal, 1e6 / m.floors->us_journal));
  row("time per point in the saturated phase", formatted("%8.1f us", us));
  row("  relative to the sum of the floors", formatted("%8.2f", us / sum));
  row("connecting, relative to the stub controller",
      formatted("%8.2f", m.connect_seconds / m.floors->connect_seconds));
}

void print_aims(const Measured& m) {
  const double rate = per_second(m.saturated.points, m.saturated), wait = percentile_of(m.paced.lease_ms, 99);
  print_aim(formatted("%.0f points/s, durable", kAimPointsPerSecond), rate >= kAimPointsPerSecond,
            formatted("%.0f", rate));
  print_aim(formatted("p99 from result to next lease under %.0f ms, paced", kAimWaitMs), wait < kAimWaitMs,
            formatted("%.1f ms", wait));
  print_aim(formatted("under %.0f MB, including the files at the end", kAimPeakMb),
            mb(m.peak_kib) < kAimPeakMb,
            formatted("%.1f MB; %.1f MB during the sweep", mb(m.peak_kib), mb(m.sweep_peak_kib)));
  if (m.idle_seconds > 0)
    print_aim(formatted("idle under %.0f %% of a core", kAimIdlePercent), m.idle_percent < kAimIdlePercent,
              formatted("%.2f %%", m.idle_percent));
}

void print_measured(const Options& options, const Measured& m) {
  std::printf("\n%d agents, %d points\n", options.agents, options.points);
  row("all agents connected and welcomed", formatted("%8.2f s", m.connect_seconds));
  row("idle: every agent holds a point and sends heartbeats",
      formatted("%8.2f %% of a core over %.0f s; %.1f MB, %d descriptors", m.idle_percent, m.idle_seconds,
                mb(m.idle_kib), m.descriptors));
  row("saturated: points per second",
      formatted("%8.0f      (%llu in %.2f s)", per_second(m.saturated.points, m.saturated),
                static_cast<unsigned long long>(m.saturated.points), m.saturated.seconds));
  row("      messages per second, both directions",
      formatted("%8.0f", per_second(m.saturated.in + m.saturated.out, m.saturated)));
  row("      CPU of the controller, and of this benchmark",
      formatted("%8.2f and %.2f cores", m.saturated_cpu / m.saturated.seconds,
                m.own_cpu / m.saturated.seconds));
  row("      CPU of the controller per point",
      formatted("%8.1f us", m.saturated_cpu * 1e6 / static_cast<double>(m.saturated.points)));
  print_waits("      from result to next lease", m.saturated);
  row("paced: points per second", formatted("%8.0f", per_second(m.paced.points, m.paced)));
  print_waits("      from result to next lease", m.paced);
  row("end of the sweep: files, collections, plots", formatted("%8.2f s", m.end_seconds));
  print_floors(m);
  print_aims(m);
  print_if_busy(m.load);
}

void print_json(const Options& options, const Measured& m) {
  const auto waits = [](const SimulatedAgents::PhaseTotals& totals) {
    return nlohmann::ordered_json{{"p50", percentile_of(totals.lease_ms, 50)},
                                  {"p99", percentile_of(totals.lease_ms, 99)},
                                  {"max", percentile_of(totals.lease_ms, 100)}};
  };
  nlohmann::ordered_json out = {
      {"agents", options.agents},
      {"points", options.points},
      {"load", m.load},
      {"connect_seconds", m.connect_seconds},
      {"idle_percent", m.idle_percent},
      {"idle_seconds", m.idle_seconds},
      {"idle_kib", m.idle_kib},
      {"descriptors", m.descriptors},
      {"points_per_second", per_second(m.saturated.points, m.saturated)},
      {"messages_per_second", per_second(m.saturated.in + m.saturated.out, m.saturated)},
      {"controller_cpu_seconds", m.saturated_cpu},
      {"own_cpu_seconds", m.own_cpu},
      {"saturated_seconds", m.saturated.seconds},
      {"saturated_wait_ms", waits(m.saturated)},
      {"paced_points_per_second", per_second(m.paced.points, m.paced)},
      {"paced_wait_ms", waits(m.paced)},
      {"sweep_peak_kib", m.sweep_peak_kib},
      {"peak_kib", m.peak_kib},
      {"end_seconds", m.end_seconds}};
  if (m.floors)
    out["floors"] = {{"messages_us", m.floors->us_messages},
                     {"journal_us", m.floors->us_journal},
                     {"connect_seconds", m.floors->connect_seconds}};
  std::puts(out.dump(2).c_str());
}

Expected<void> measure(const Options& options) {
  SignalFd signals({SIGINT, SIGTERM, SIGHUP});
  if (options.points < 4 * options.agents)
    return fail("--points " + std::to_string(options.points) +
                " is too small; give at least 4 times --agents");
  SWEEP_TRY(allow_descriptors(static_cast<std::size_t>(options.agents) + kSpareDescriptors));
  SWEEP_ASSIGN(const auto folder, WorkFolder::make(options.directories.dir, "bench_controller"));
  Measured measured;
  measured.load = load_average();
  if (!options.json) print_machine(options.directories.dir, measured.load);
  if (options.floors) {
    SWEEP_ASSIGN(auto floors, measure_floors(options, folder.path, signals));
    measured.floors = floors;
  }
  SWEEP_TRY(measure_sweep(options, folder.path, signals, measured));
  options.json ? print_json(options, measured) : print_measured(options, measured);
  std::fflush(stdout);  // removing some hundred thousand files may take a while
  return {};
}

}  // namespace
}  // namespace sweep::bench

int main(int argc, char** argv) {
  using namespace sweep;
  bench::Options options;
  CommandLine app("bench_controller",
                  "Measures one controller with thousands of simulated agents over loopback.");
  app.option("--agents", options.agents, "number of simulated agents (default: 1000)").range(1, 50'000);
  app.option("--points", options.points, "number of points of the sweep (default: 100000)")
      .range(4, 1'000'000);
  app.option("--idle-seconds", options.idle_seconds, "duration of the idle phase, in seconds (default: 30)")
      .range(0, 600);
  app.option("--paced-rate", options.paced_rate, "points per second in the paced phase (default: 1000)")
      .range(1, 100'000);
  app.option("--paced-seconds", options.paced_seconds,
             "duration of the paced phase, in seconds (default: 10)")
      .range(1, 600);
  app.flag("!--no-floors", options.floors, "do not measure the floors");
  app.flag("--json", options.json, "print one JSON object");
  bench::add_directory_options(app, options.directories, "all files of the benchmark", "sweepctl");
  if (const auto status = app.parse({argv + 1, argv + argc})) return *status;
  return bench::run_benchmark("bench_controller", [&] { return bench::measure(options); });
}
