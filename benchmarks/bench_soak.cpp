// bench_soak: runs a sweep of ten thousand points that do nothing, with `sweepctl run` and the real agent.
// Reports their memory and open descriptors after the first thousand points and at the end, and checks that
// every point has exactly one result.
//
// The benchmark reads /proc from outside and changes nothing. "The end" is the last sample while points were
// still running; the memory that the controller needs for the files after that is reported separately. Exit
// status 1 if a result is lost or duplicated, or if memory or descriptors grow by more than the bounds below.
#include <fcntl.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>

#include "benchmarks/bench_command.hpp"
#include "benchmarks/bench_common.hpp"
#include "benchmarks/bench_noop.hpp"
#include "benchmarks/bench_noop_sweep.hpp"
#include "benchmarks/process_usage.hpp"
#include "controller/io/control_file.hpp"
#include "controller/journal/journal.hpp"
#include "proto/net/event_loop.hpp"
#include "util/json.hpp"
#include "util/os/clock.hpp"
#include "util/os/files.hpp"
#include "util/os/process.hpp"
#include "util/os/signals.hpp"

namespace sweep::bench {
namespace {

namespace fs = std::filesystem;

constexpr Millis kSampleInterval{200};
constexpr int kWarmUpPoints = 1'000;
// The controller stores when, where and by which agent each attempt was run and how it ended. The agent
// stores nothing.
constexpr double kMaxControllerKibPerThousand = 1'024, kMaxAgentKibPerThousand = 64;
constexpr int kMaxAddedDescriptors = 4;  // compared with after the first thousand points
constexpr std::size_t kMaxManifest = std::size_t{1} << 30;

struct Options {
  Directories directories;
  int points = 10'000;
};

struct Sample {
  double seconds = 0;
  long done = 0;  // finished runs of the benchmark
  Usage controller, agent;
};

struct Observations {
  std::vector<Sample> samples;
  long peak_kib = 0;  // of the controller, including the files at the end
  double seconds = 0;
};

struct Count {
  long done = 0, lost = 0, duplicated = 0, runs = 0;
};

// --- the sweep

Expected<void> write_inputs(const Options& options, const std::string& folder) {
  SWEEP_TRY(write_noop_matrix(folder + "/matrix.yaml", options.points));
  return write_file_atomic(folder + "/profile.yaml", "gpus: ignore\nauth: key\nworkspace: " + folder +
                                                         "\nenv:\n  BENCH_NOOP_STAMPS: " + folder +
                                                         "/stamps\n");
}

/// Finds the controller and the agent of a running sweep and samples their usage.
class Sampler {
 public:
  Sampler(pid_t sweep, std::string folder) : sweep_(sweep), folder_(std::move(folder)) {}

  /// Returns std::nullopt until both processes have been found, and after either has ended.
  std::optional<Sample> sample() {
    if (controller_ < 0) {
      const auto control = read_control_file(folder_ + "/results");
      if (control && *control) controller_ = static_cast<pid_t>((*control)->pid);
    }
    for (const pid_t pid : agent_ < 0 ? descendants_of(sweep_) : std::vector<pid_t>()) {
      if (agent_ < 0 && program_of(pid) == "sweep-agent") agent_ = pid;
    }
    if (controller_ < 0) return std::nullopt;
    const auto controller = usage_of(controller_);
    if (controller) peak_kib_ = std::max(peak_kib_, controller->peak_kib);
    const auto agent = agent_ < 0 ? std::nullopt : usage_of(agent_);
    if (!controller || !agent) return std::nullopt;
    Sample out;
    out.controller = *controller;
    out.agent = *agent;
    std::error_code code;
    const auto bytes = fs::file_size(folder_ + "/stamps", code);
    out.done = code ? 0 : static_cast<long>(bytes / sizeof(NoopStamps));
    return out;
  }
  long peak_kib() const { return peak_kib_; }

 private:
  pid_t sweep_, controller_ = -1, agent_ = -1;
  std::string folder_;
  long peak_kib_ = 0;
};

Expected<Observations> watch_sweep(const Options& options, const std::string& folder, SignalFd& signals) {
  SWEEP_TRY(write_inputs(options, folder));
  const std::string log = folder + "/sweepctl.log";
  const Fd out(::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!out.open()) return fail("cannot write '" + log + "': " + errno_text(errno));
  const Instant start = now();
  SWEEP_ASSIGN(const auto child, spawn(noop_sweep_command(options.directories.bin, folder, out.get())));
  EventLoop loop;
  std::optional<ExitStatus> end;
  bool interrupted = false;
  loop.watch(child.pidfd.get(), [&] { end = reap(child.pid); });
  loop.watch(signals.fd(), [&] {
    interrupted = !signals.take().empty() || interrupted;
    ::kill(child.pid, SIGTERM);
  });
  Sampler sampler(child.pid, folder);
  Observations observed;
  for (Instant next = now(); !end;) {
    loop.step(next);
    if (now() < next) continue;
    next = now() + kSampleInterval;
    auto sample = sampler.sample();
    if (!sample || sample->done >= options.points) continue;
    sample->seconds = static_cast<double>((now() - start).count()) / 1000;
    observed.samples.push_back(*sample);
  }
  if (interrupted) return fail("interrupted");
  if (end->code != 0) {
    std::fputs(read_file(log, 1 << 20).value_or("").c_str(), stderr);
    return fail("the sweep did not complete");
  }
  observed.peak_kib = sampler.peak_kib();
  observed.seconds = static_cast<double>((now() - start).count()) / 1000;
  return observed;
}

// --- the results

/// Counts a point of the manifest as done or lost, and its surplus results as duplicates.
void count_point(const nlohmann::json& point, const std::string& results, std::set<std::string>& names,
                 Count& count) {
  long accepted = 0;
  for (const auto& attempt : point.at("attempts"))
    accepted += attempt.at("accepted").get<bool>();
  const std::string name = point.value("result", "");
  const bool has_files =
      !name.empty() && fs::exists(results + "/" + name) && fs::exists(results + "/" + point.value("raw", ""));
  const bool own_name = names.insert(name).second;
  const bool done = point.at("state") == "done" && accepted >= 1 && has_files && own_name;
  count.done += done;
  count.lost += !done;
  if (accepted > 1) count.duplicated += accepted - 1;
}

Expected<Count> count_results(const Options& options, const std::string& folder) {
  const std::string results = folder + "/results";
  SWEEP_ASSIGN(const auto text, read_file(results + "/manifest.json", kMaxManifest));
  Count count;
  std::set<std::string> names;
  const auto manifest = nlohmann::json::parse(text);
  for (const auto& point : manifest.at("points"))
    count_point(point, results, names, count);
  count.lost += std::max<long>(0, options.points - static_cast<long>(manifest.at("points").size()));
  // Result files that belong to no point are duplicates. Collections have no concurrency in their names.
  for (const auto& entry : fs::directory_iterator(results)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("agg_") && name.find("_conc") != std::string::npos)
      count.duplicated += !names.contains(name);
  }
  auto journal = journal::Journal::open_to_read(results + "/sweep.db");
  if (!journal) return tl::unexpected(journal.error());
  std::set<std::string> in_journal;
  const auto read = journal->each_accepted_result([&](const journal::StoredResult& result) {
    count.duplicated += !in_journal.insert(result.ref.point).second;
  });
  if (!read) return tl::unexpected(read.error());
  count.lost = std::max(count.lost, static_cast<long>(options.points) - static_cast<long>(in_journal.size()));
  count.runs = static_cast<long>(fs::file_size(folder + "/stamps") / sizeof(NoopStamps));
  return count;
}

// --- the report

/// Returns the growth in KiB per thousand points.
double growth(long from_kib, long to_kib, const Sample& from, const Sample& to) {
  const double points = static_cast<double>(std::max(1L, to.done - from.done));
  return static_cast<double>(to_kib - from_kib) / points * 1000;
}

void print_sample(const char* when, const Sample& sample) {
  std::printf("%-10s %8ld %9.1f %12ld %12ld %6d %12ld %12ld %6d\n", when, sample.done, sample.seconds,
              sample.controller.rss_kib, sample.controller.pss_kib, sample.controller.descriptors,
              sample.agent.rss_kib, sample.agent.pss_kib, sample.agent.descriptors);
}

/// Prints the observations. Returns true if they are within the bounds.
bool report(const Options& options, const Observations& observed, const Count& count) {
  const auto warm = std::find_if(observed.samples.begin(), observed.samples.end(),
                                 [](const Sample& sample) { return sample.done >= kWarmUpPoints; });
  const Sample &from = *warm, &to = observed.samples.back();
  std::printf("\n%-10s %8s %9s %12s %12s %6s %12s %12s %6s\n", "", "points", "seconds", "controller",
              "its Pss KiB", "fds", "agent KiB", "its Pss", "fds");
  print_sample("first", observed.samples.front());
  print_sample("warm", from);
  print_sample("last", to);
  std::printf(
      "%ld runs of the benchmark in %.1f s; the controller's peak memory, including the files at the end: "
      "%ld KiB\n",
      count.runs, observed.seconds, observed.peak_kib);
  const double controller = growth(from.controller.rss_kib, to.controller.rss_kib, from, to);
  const double agent = growth(from.agent.rss_kib, to.agent.rss_kib, from, to);
  const int descriptors = std::max(to.controller.descriptors - from.controller.descriptors,
                                   to.agent.descriptors - from.agent.descriptors);
  const bool whole = count.lost == 0 && count.duplicated == 0;
  const bool small = controller <= kMaxControllerKibPerThousand && agent <= kMaxAgentKibPerThousand;
  print_aim(formatted("a thousand points cost the controller at most %.0f KiB", kMaxControllerKibPerThousand),
            controller <= kMaxControllerKibPerThousand, formatted("%.0f KiB", controller));
  print_aim(formatted("and the agent at most %.0f KiB", kMaxAgentKibPerThousand),
            agent <= kMaxAgentKibPerThousand, formatted("%.0f KiB", agent));
  print_aim(
      formatted("at most %d more descriptors than after the first thousand points", kMaxAddedDescriptors),
      descriptors <= kMaxAddedDescriptors, formatted("%d", descriptors));
  std::printf(
      "points=%d done=%ld lost=%ld duplicated=%ld controller_kib=%ld->%ld agent_kib=%ld->%ld "
      "fds=%d->%d,%d->%d\n",
      options.points, count.done, count.lost, count.duplicated, from.controller.rss_kib,
      to.controller.rss_kib, from.agent.rss_kib, to.agent.rss_kib, from.controller.descriptors,
      to.controller.descriptors, from.agent.descriptors, to.agent.descriptors);
  return whole && small && descriptors <= kMaxAddedDescriptors;
}

Expected<bool> measure(const Options& options) {
  SignalFd signals({SIGINT, SIGTERM, SIGHUP});
  SWEEP_ASSIGN(const auto folder, WorkFolder::make(options.directories.dir, "bench_soak"));
  print_machine(options.directories.dir, load_average());
  SWEEP_ASSIGN(const auto observed, watch_sweep(options, folder.path, signals));
  const bool warm = !observed.samples.empty() && observed.samples.back().done >= kWarmUpPoints;
  if (!warm)
    return fail(
        "the sweep ended before a sample was taken after the first thousand points; give more --points");
  SWEEP_ASSIGN(const auto count, count_results(options, folder.path));
  return report(options, observed, count);
}

}  // namespace
}  // namespace sweep::bench

int main(int argc, char** argv) {
  using namespace sweep;
  bench::Options options;
  CommandLine app("bench_soak",
                  "Runs a long sweep of points that do nothing and checks memory, descriptors and results.");
  app.option("--points", options.points, "number of points (default: 10000)").range(2'000, 1'000'000);
  bench::add_directory_options(app, options.directories, "all files of the benchmark",
                               "sweepctl, sweep-agent and bench-noop");
  if (const auto status = app.parse({argv + 1, argv + argc})) return *status;
  bool good = false;
  const int status = bench::run_benchmark("bench_soak", [&]() -> Expected<void> {
    SWEEP_ASSIGN(const auto done, bench::measure(options));
    good = done;
    return {};
  });
  return status == 0 && !good ? 1 : status;
}
