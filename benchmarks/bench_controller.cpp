// bench_controller: one controller, `sweepctl serve` as the plugin starts it, and thousands of simulated
// agents over loopback with CURVE: how fast, how soon, how much memory, and what it costs to sit there.
//
// Phases: all connect; each gets a point and holds it, and all is quiet but for heartbeats (idle); every
// point is done the moment it is leased (rush: points per second); points last a while, so that they end at a
// given rate (paced: how long an agent waits from its result to its next lease); the end.
//
// Rules: in the rush as many results are under way as there are agents, so that its waits are agents divided
// by points per second, whatever the controller does; waits are therefore also measured at a rate that it
// bears. The floor is the same conversation with a process that decides and writes nothing, and the same rows
// in a journal. Every file is below --dir, on a disk, and gone at the end.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <optional>

#include "benchmarks/bench_controller_crowd.hpp"
#include "benchmarks/bench_controller_floors.hpp"
#include "benchmarks/bench_controller_process.hpp"
#include "benchmarks/bench_machine.hpp"
#include "benchmarks/bench_main.hpp"
#include "benchmarks/stats.hpp"
#include "util/json.hpp"
#include "util/os/files.hpp"

namespace sweep::bench {
namespace {

constexpr double kAimPointsPerSecond = 5'000, kAimWaitMs = 50, kAimPeakMb = 300, kAimIdlePercent = 2;
constexpr std::size_t kSpareDescriptors = 200;
constexpr int kMostPointsARound =
    500;  // of the controller: 1,000 messages, Started and Finished of each point

struct Options {
  Places places;
  int agents = 1'000, points = 100'000, idle_seconds = 30, paced_seconds = 10;
  double paced_rate = 1'000;
  bool json = false, floors = true;
};

struct Floors {
  double us_talk = 0, us_journal = 0;  // a point
  double connect_seconds = 0;
};

struct Measured {
  double load = 0;
  std::optional<Floors> floors;
  double connect_seconds = 0, idle_percent = 0, idle_seconds = 0;
  Crowd::Tally rush, paced;
  double rush_cpu = 0, own_cpu = 0;  // seconds of the controller and of this process in the rush
  long idle_kib = 0, sweep_peak_kib = 0, peak_kib = 0;
  int descriptors = 0;
  double end_seconds = 0;
};

double own_cpu() {
  const auto usage = usage_of(::getpid());
  return usage ? usage->cpu_seconds : 0;
}

Expected<Usage> look_at(pid_t pid) {
  const auto usage = usage_of(pid);
  if (!usage) return fail("the controller has died");
  return *usage;
}

// --- the floors

Expected<Floors> measure_floors(const Options& options, const std::string& folder, SignalFd& signals) {
  Floors floors;
  {
    SWEEP_ASSIGN(const auto parrot, Parrot::start(options.agents, options.points));
    Crowd crowd(options.agents, signals);
    SWEEP_ASSIGN(const auto connected, crowd.connect(parrot.door()));
    floors.connect_seconds = connected;
    SWEEP_TRY(crowd.take_work());
    SWEEP_ASSIGN(const auto rush,
                 crowd.rush(static_cast<std::uint64_t>(options.points - 2 * options.agents)));
    floors.us_talk = rush.seconds * 1e6 / static_cast<double>(rush.points);
  }
  SWEEP_ASSIGN(const auto journal,
               time_journal(folder, options.points, std::min(options.agents, kMostPointsARound)));
  floors.us_journal = journal;
  return floors;
}

// --- the sweep

Expected<void> write_inputs(const Options& options, const std::string& folder) {
  SWEEP_TRY(write_plain_matrix(folder + "/matrix.yaml", options.points));
  return write_file_atomic(folder + "/profile.yaml", "gpus: ignore\nauth: key\nworkspace: " + folder + "\n");
}

Expected<void> measure_idle(const Options& options, const Serve& serve, Crowd& crowd, Measured& out) {
  SWEEP_ASSIGN(const auto before, look_at(serve.controller()));
  const auto start = Clock::now();
  SWEEP_TRY(crowd.idle(std::chrono::seconds(options.idle_seconds)));
  SWEEP_ASSIGN(const auto after, look_at(serve.controller()));
  out.idle_seconds = std::chrono::duration<double>(Clock::now() - start).count();
  out.idle_percent = (after.cpu_seconds - before.cpu_seconds) / out.idle_seconds * 100;
  out.idle_kib = after.rss_kib;
  out.descriptors = after.descriptors;
  return {};
}

Expected<void> measure_work(const Options& options, const Serve& serve, Crowd& crowd, Measured& out) {
  const int paced =
      std::min(static_cast<int>(options.paced_rate * options.paced_seconds), options.points / 4);
  SWEEP_ASSIGN(const auto before, look_at(serve.controller()));
  const double own_before = own_cpu();
  SWEEP_ASSIGN(auto rush,
               crowd.rush(static_cast<std::uint64_t>(options.points - paced - 2 * options.agents)));
  SWEEP_ASSIGN(const auto after, look_at(serve.controller()));
  out.own_cpu = own_cpu() - own_before;
  out.rush_cpu = after.cpu_seconds - before.cpu_seconds;
  out.rush = std::move(rush);
  const std::chrono::duration<double> mean(options.agents / options.paced_rate);
  auto stroll =
      crowd.stroll(static_cast<std::uint64_t>(paced), std::chrono::duration_cast<Clock::duration>(mean));
  if (!stroll) return tl::unexpected(stroll.error());
  out.paced = std::move(*stroll);
  if (out.paced.lease_ms.empty()) return fail("no wait was seen in the paced phase: give it more --points");
  return {};
}

Expected<void> measure_sweep(const Options& options, const std::string& folder, SignalFd& signals,
                             Measured& out) {
  SWEEP_TRY(write_inputs(options, folder));
  SWEEP_ASSIGN(auto serve, Serve::start(options.places.bin, folder, signals));
  {
    Crowd crowd(options.agents, signals);
    const ReadyLine& ready = serve.ready();
    SWEEP_ASSIGN(const auto connected,
                 crowd.connect({ready.endpoint, ready.server_key, ready.client_secret}));
    out.connect_seconds = connected;
    SWEEP_TRY(crowd.take_work());
    SWEEP_TRY(measure_idle(options, serve, crowd, out));
    SWEEP_TRY(measure_work(options, serve, crowd, out));
    SWEEP_ASSIGN(const auto complete, crowd.part());
    if (!complete || crowd.refused_results() > 0) return fail("the sweep did not complete");
    out.sweep_peak_kib = look_at(serve.controller()).value_or(Usage{}).peak_kib;
  }
  const auto over = Clock::now();
  SWEEP_ASSIGN(const auto peak, serve.finish(signals));
  out.end_seconds = std::chrono::duration<double>(Clock::now() - over).count();
  out.peak_kib = std::max(peak, out.sweep_peak_kib);
  return {};
}

// --- what was seen

double per_second(std::uint64_t count, const Crowd::Tally& tally) {
  return tally.seconds > 0 ? static_cast<double>(count) / tally.seconds : 0;
}

double mb(long kib) {
  return static_cast<double>(kib) * 1024 / 1e6;
}

void row(const char* name, const std::string& value) {
  std::printf("%-64s %s\n", name, value.c_str());
}

void print_waits(const char* name, const Crowd::Tally& tally) {
  row(name,
      text("%8.1f ms p50 %8.1f p99 %8.1f max   (n %zu)", percentile_of(tally.lease_ms, 50),
           percentile_of(tally.lease_ms, 99), percentile_of(tally.lease_ms, 100), tally.lease_ms.size()));
}

void print_floors(const Measured& m) {
  if (!m.floors) return;
  const double us = m.rush.seconds * 1e6 / static_cast<double>(m.rush.points);
  const double sum = m.floors->us_talk + m.floors->us_journal;
  row("floor a  the conversation alone, of as many agents",
      text("%8.1f us a point (%.0f points/s)", m.floors->us_talk, 1e6 / m.floors->us_talk));
  row("floor b  the rows alone, in a journal",
      text("%8.1f us a point (%.0f points/s)", m.floors->us_journal, 1e6 / m.floors->us_journal));
  row("a point in the rush", text("%8.1f us", us));
  row("  to the sum of the floors", text("%8.2f", us / sum));
  row("connecting, to the same without a controller",
      text("%8.2f", m.connect_seconds / m.floors->connect_seconds));
}

void print_aims(const Measured& m) {
  const double rate = per_second(m.rush.points, m.rush), wait = percentile_of(m.paced.lease_ms, 99);
  print_aim(text("%.0f points/s, durable", kAimPointsPerSecond), rate >= kAimPointsPerSecond,
            text("%.0f", rate));
  print_aim(text("p99 from result to next lease under %.0f ms, paced", kAimWaitMs), wait < kAimWaitMs,
            text("%.1f ms", wait));
  print_aim(text("under %.0f MB, files at the end included", kAimPeakMb), mb(m.peak_kib) < kAimPeakMb,
            text("%.1f MB; %.1f MB while the sweep runs", mb(m.peak_kib), mb(m.sweep_peak_kib)));
  if (m.idle_seconds > 0)
    print_aim(text("idle under %.0f %% of a core", kAimIdlePercent), m.idle_percent < kAimIdlePercent,
              text("%.2f %%", m.idle_percent));
}

void print_measured(const Options& options, const Measured& m) {
  std::printf("\n%d agents, %d points\n", options.agents, options.points);
  row("all agents connected and welcomed", text("%8.2f s", m.connect_seconds));
  row("idle, all holding a point and heartbeating",
      text("%8.2f %% of a core over %.0f s; %.1f MB, %d descriptors", m.idle_percent, m.idle_seconds,
           mb(m.idle_kib), m.descriptors));
  row("rush: points per second", text("%8.0f      (%llu in %.2f s)", per_second(m.rush.points, m.rush),
                                      static_cast<unsigned long long>(m.rush.points), m.rush.seconds));
  row("      messages per second, both ways", text("%8.0f", per_second(m.rush.in + m.rush.out, m.rush)));
  row("      CPU of the controller, and of this benchmark",
      text("%8.2f and %.2f cores", m.rush_cpu / m.rush.seconds, m.own_cpu / m.rush.seconds));
  row("      controller's CPU a point",
      text("%8.1f us", m.rush_cpu * 1e6 / static_cast<double>(m.rush.points)));
  print_waits("      from result to next lease", m.rush);
  row("paced: points per second", text("%8.0f", per_second(m.paced.points, m.paced)));
  print_waits("      from result to next lease", m.paced);
  row("the end: files, collections, plots", text("%8.2f s", m.end_seconds));
  print_floors(m);
  print_aims(m);
  print_if_busy(m.load);
}

void print_json(const Options& options, const Measured& m) {
  const auto waits = [](const Crowd::Tally& tally) {
    return nlohmann::ordered_json{{"p50", percentile_of(tally.lease_ms, 50)},
                                  {"p99", percentile_of(tally.lease_ms, 99)},
                                  {"max", percentile_of(tally.lease_ms, 100)}};
  };
  nlohmann::ordered_json out = {{"agents", options.agents},
                                {"points", options.points},
                                {"load", m.load},
                                {"connect_seconds", m.connect_seconds},
                                {"idle_percent", m.idle_percent},
                                {"idle_seconds", m.idle_seconds},
                                {"idle_kib", m.idle_kib},
                                {"descriptors", m.descriptors},
                                {"points_per_second", per_second(m.rush.points, m.rush)},
                                {"messages_per_second", per_second(m.rush.in + m.rush.out, m.rush)},
                                {"controller_cpu_seconds", m.rush_cpu},
                                {"own_cpu_seconds", m.own_cpu},
                                {"rush_seconds", m.rush.seconds},
                                {"rush_wait_ms", waits(m.rush)},
                                {"paced_points_per_second", per_second(m.paced.points, m.paced)},
                                {"paced_wait_ms", waits(m.paced)},
                                {"sweep_peak_kib", m.sweep_peak_kib},
                                {"peak_kib", m.peak_kib},
                                {"end_seconds", m.end_seconds}};
  if (m.floors)
    out["floors"] = {{"talk_us", m.floors->us_talk},
                     {"journal_us", m.floors->us_journal},
                     {"connect_seconds", m.floors->connect_seconds}};
  std::puts(out.dump(2).c_str());
}

Expected<void> measure(const Options& options) {
  SignalFd signals({SIGINT, SIGTERM, SIGHUP});
  if (options.points < 4 * options.agents) return fail("--points must be at least 4 times --agents");
  SWEEP_TRY(allow_descriptors(static_cast<std::size_t>(options.agents) + kSpareDescriptors));
  SWEEP_ASSIGN(const auto folder, WorkFolder::make(options.places.dir, "bench_controller"));
  Measured measured;
  measured.load = load_average();
  if (!options.json) print_machine(options.places.dir, measured.load);
  if (options.floors) {
    SWEEP_ASSIGN(auto floors, measure_floors(options, folder.path, signals));
    measured.floors = floors;
  }
  SWEEP_TRY(measure_sweep(options, folder.path, signals, measured));
  options.json ? print_json(options, measured) : print_measured(options, measured);
  std::fflush(stdout);  // to remove some hundred thousand files may take a while
  return {};
}

}  // namespace
}  // namespace sweep::bench

int main(int argc, char** argv) {
  using namespace sweep;
  bench::Options options;
  CommandLine app("bench_controller",
                  "Measures one controller with thousands of simulated agents over loopback.");
  app.option("--agents", options.agents, "simulated agents (1000)").range(1, 50'000);
  app.option("--points", options.points, "of the sweep (100000)").range(4, 1'000'000);
  app.option("--idle-seconds", options.idle_seconds, "how long nothing but heartbeats comes (30)")
      .range(0, 600);
  app.option("--paced-rate", options.paced_rate, "points per second of the paced phase (1000)")
      .range(1, 100'000);
  app.option("--paced-seconds", options.paced_seconds, "of that phase (10)").range(1, 600);
  app.flag("!--no-floors", options.floors, "leave out the floors");
  app.flag("--json", options.json, "print one JSON object");
  bench::add_places(app, options.places, "the output directory and all else", "sweepctl");
  if (const auto status = app.parse({argv + 1, argv + argc})) return *status;
  return bench::run_benchmark("bench_controller", [&] { return bench::measure(options); });
}
