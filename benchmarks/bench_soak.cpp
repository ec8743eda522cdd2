// bench_soak: a sweep of ten thousand points that do nothing, through `sweepctl run` and the real agent.
// Their memory and open descriptors after the first thousand points and at the end, and whether every point
// has one result and no more.
//
// Rules: it looks at /proc from outside and changes nothing. "The end" is the last look while points were
// still being run: what the controller takes for the files after that is said apart. Exit status 1 when a
// result is lost or there twice, or when memory or descriptors grow by more than the bounds below.
#include <fcntl.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>

#include "benchmarks/bench_controller_process.hpp"
#include "benchmarks/bench_machine.hpp"
#include "benchmarks/bench_main.hpp"
#include "benchmarks/bench_noop.hpp"
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

constexpr Millis kLook{200};
constexpr int kWarmUpPoints = 1'000;
// The controller has to remember each attempt: when, where, by whom, how it ended. The agent nothing.
constexpr double kMostControllerKibAThousand = 1'024, kMostAgentKibAThousand = 64;
constexpr int kMostDescriptors = 4;  // more than after the first thousand
constexpr std::size_t kMaxManifest = std::size_t{1} << 30;

struct Options {
  Places places;
  int points = 10'000;
};

struct Look {
  double seconds = 0;
  long done = 0;  // runs of the benchmark that have ended
  Usage controller, agent;
};

struct Seen {
  std::vector<Look> looks;
  long peak_kib = 0;  // of the controller, with the files at the end
  double seconds = 0;
};

struct Count {
  long done = 0, lost = 0, duplicated = 0, runs = 0;
};

// --- the sweep

Expected<void> write_inputs(const Options& options, const std::string& folder) {
  SWEEP_TRY(write_plain_matrix(folder + "/matrix.yaml", options.points));
  return write_file_atomic(folder + "/profile.yaml", "gpus: ignore\nauth: key\nworkspace: " + folder +
                                                         "\nenv:\n  BENCH_NOOP_STAMPS: " + folder +
                                                         "/stamps\n");
}

SpawnSpec sweep_command(const Options& options, const std::string& folder, int out) {
  SpawnSpec spec;
  spec.argv = {options.places.bin + "/sweepctl",
               "run",
               "--quiet",
               "--profile",
               folder + "/profile.yaml",
               "--output",
               folder + "/results",
               folder + "/matrix.yaml",
               "--",
               options.places.bin + "/bench-noop"};
  spec.environment = plain_environment(folder);
  spec.directory = folder;
  spec.out = spec.err = out;
  return spec;
}

/// The two that are looked at, once they are there.
class Watched {
 public:
  Watched(pid_t sweep, std::string folder) : sweep_(sweep), folder_(std::move(folder)) {}

  std::optional<Look> look() {
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
    Look out;
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

Expected<Seen> watch_sweep(const Options& options, const std::string& folder, SignalFd& signals) {
  SWEEP_TRY(write_inputs(options, folder));
  const std::string log = folder + "/sweepctl.log";
  const Fd out(::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!out.open()) return fail("cannot write '" + log + "': " + errno_text(errno));
  const Instant start = now();
  SWEEP_ASSIGN(const auto child, spawn(sweep_command(options, folder, out.get())));
  EventLoop loop;
  std::optional<ExitStatus> end;
  bool interrupted = false;
  loop.watch(child.pidfd.get(), [&] { end = reap(child.pid); });
  loop.watch(signals.fd(), [&] {
    interrupted = !signals.take().empty() || interrupted;
    ::kill(child.pid, SIGTERM);
  });
  Watched watched(child.pid, folder);
  Seen seen;
  for (Instant next = now(); !end;) {
    loop.step(next);
    if (now() < next) continue;
    next = now() + kLook;
    auto look = watched.look();
    if (!look || look->done >= options.points) continue;
    look->seconds = static_cast<double>((now() - start).count()) / 1000;
    seen.looks.push_back(*look);
  }
  if (interrupted) return fail("interrupted");
  if (end->code != 0) {
    std::fputs(read_file(log, 1 << 20).value_or("").c_str(), stderr);
    return fail("the sweep did not complete");
  }
  seen.peak_kib = watched.peak_kib();
  seen.seconds = static_cast<double>((now() - start).count()) / 1000;
  return seen;
}

// --- what it left

/// A point of the manifest: how many results count for it, and whether their files are there.
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
  // Files of results beyond those of the points; the collections have no concurrency in their names.
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

/// KiB a thousand points between the two.
double growth(long from_kib, long to_kib, const Look& from, const Look& to) {
  const double points = static_cast<double>(std::max(1L, to.done - from.done));
  return static_cast<double>(to_kib - from_kib) / points * 1000;
}

void print_look(const char* when, const Look& look) {
  std::printf("%-10s %8ld %9.1f %12ld %12ld %6d %12ld %12ld %6d\n", when, look.done, look.seconds,
              look.controller.rss_kib, look.controller.pss_kib, look.controller.descriptors,
              look.agent.rss_kib, look.agent.pss_kib, look.agent.descriptors);
}

/// Prints what was seen; whether it is within the bounds.
bool report(const Options& options, const Seen& seen, const Count& count) {
  const auto warm = std::find_if(seen.looks.begin(), seen.looks.end(),
                                 [](const Look& look) { return look.done >= kWarmUpPoints; });
  const Look &from = *warm, &to = seen.looks.back();
  std::printf("\n%-10s %8s %9s %12s %12s %6s %12s %12s %6s\n", "", "points", "seconds", "controller",
              "its Pss KiB", "fds", "agent KiB", "its Pss", "fds");
  print_look("first", seen.looks.front());
  print_look("warm", from);
  print_look("last", to);
  std::printf(
      "%ld runs of the benchmark in %.1f s; the controller's largest memory, with the files at the end: %ld "
      "KiB\n",
      count.runs, seen.seconds, seen.peak_kib);
  const double controller = growth(from.controller.rss_kib, to.controller.rss_kib, from, to);
  const double agent = growth(from.agent.rss_kib, to.agent.rss_kib, from, to);
  const int descriptors = std::max(to.controller.descriptors - from.controller.descriptors,
                                   to.agent.descriptors - from.agent.descriptors);
  const bool whole = count.lost == 0 && count.duplicated == 0;
  const bool small = controller <= kMostControllerKibAThousand && agent <= kMostAgentKibAThousand;
  print_aim(text("a thousand points cost the controller at most %.0f KiB", kMostControllerKibAThousand),
            controller <= kMostControllerKibAThousand, text("%.0f KiB", controller));
  print_aim(text("and the agent at most %.0f KiB", kMostAgentKibAThousand), agent <= kMostAgentKibAThousand,
            text("%.0f KiB", agent));
  print_aim(text("at most %d descriptors more than after the first thousand", kMostDescriptors),
            descriptors <= kMostDescriptors, text("%d", descriptors));
  std::printf(
      "points=%d done=%ld lost=%ld duplicated=%ld controller_kib=%ld->%ld agent_kib=%ld->%ld "
      "fds=%d->%d,%d->%d\n",
      options.points, count.done, count.lost, count.duplicated, from.controller.rss_kib,
      to.controller.rss_kib, from.agent.rss_kib, to.agent.rss_kib, from.controller.descriptors,
      to.controller.descriptors, from.agent.descriptors, to.agent.descriptors);
  return whole && small && descriptors <= kMostDescriptors;
}

Expected<bool> measure(const Options& options) {
  SignalFd signals({SIGINT, SIGTERM, SIGHUP});
  SWEEP_ASSIGN(const auto folder, WorkFolder::make(options.places.dir, "bench_soak"));
  print_machine(options.places.dir, load_average());
  SWEEP_ASSIGN(const auto seen, watch_sweep(options, folder.path, signals));
  const bool warm = !seen.looks.empty() && seen.looks.back().done >= kWarmUpPoints;
  if (!warm) return fail("nothing was seen after the first thousand points: give it more --points");
  SWEEP_ASSIGN(const auto count, count_results(options, folder.path));
  return report(options, seen, count);
}

}  // namespace
}  // namespace sweep::bench

int main(int argc, char** argv) {
  using namespace sweep;
  bench::Options options;
  CommandLine app("bench_soak",
                  "Runs a long sweep of points that do nothing and watches memory, descriptors and results.");
  app.option("--points", options.points, "of the sweep (10000)").range(2'000, 1'000'000);
  bench::add_places(app, options.places, "the output directory and all else",
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
