// bench_turnaround: measures the time from the end of one point's process to the start of the next on the
// same agent, with the journal on and a benchmark that does nothing. Compares it with floors that it cannot
// beat, measured in the same run: half of them before the sweep and half after it.
//
// It measures the programs as a user runs them (sweepctl run, one agent). Every file is in a temporary
// directory below --dir, which must be on a disk; the directory is removed at the end, also after Ctrl-C.
#include <fcntl.h>

#include <csignal>
#include <cstdio>

#include "benchmarks/bench_command.hpp"
#include "benchmarks/bench_common.hpp"
#include "benchmarks/bench_noop_sweep.hpp"
#include "benchmarks/bench_process.hpp"
#include "benchmarks/bench_turnaround_floors.hpp"
#include "benchmarks/statistics.hpp"
#include "util/os/files.hpp"
#include "util/os/process.hpp"
#include "util/os/signals.hpp"

namespace sweep::bench {
namespace {

struct Options {
  Directories directories;
  int points = 300;
};

struct Measured {
  double load = 0;  // load average of the minute before
  std::vector<double> spawn_gap, spawn_whole, round_trip, commit, turnaround;
};

// --- the sweep

Expected<void> write_inputs(const Options& options, const std::string& folder) {
  SWEEP_TRY(write_noop_matrix(folder + "/matrix.yaml", options.points));
  return write_file_atomic(
      folder + "/profile.yaml",
      "gpus: ignore\nworkspace: " + folder + "\nenv:\n  BENCH_NOOP_STAMPS: " + folder + "/stamps\n");
}

Expected<std::vector<double>> time_sweep(const Options& options, const std::string& folder,
                                         SignalFd& signals) {
  SWEEP_TRY(write_inputs(options, folder));
  const std::string log = folder + "/sweepctl.log";
  const Fd out(::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!out.open()) return fail("cannot write '" + log + "': " + errno_text(errno));
  SWEEP_ASSIGN(const auto run,
               run_whole(noop_sweep_command(options.directories.bin, folder, out.get()), signals));
  auto gaps = read_gaps(folder + "/stamps");
  if (run.end.code != 0 || !gaps || gaps->size() + 1 != static_cast<std::size_t>(options.points)) {
    std::fputs(read_file(log, 1 << 20).value_or("").c_str(), stderr);
    return fail("the sweep did not complete");
  }
  return gaps;
}

// --- the table

void print_row(const char* name, const std::vector<double>& values) {
  std::printf("%-52s %6zu %9.0f %9.0f\n", name, values.size(), percentile_of(values, 50),
              percentile_of(values, 99));
}

void print_table(const Measured& m) {
  std::printf("\n%-52s %6s %9s %9s\n", "microseconds", "n", "p50", "p99");
  print_row("floor a  end of a process to start of the next", m.spawn_gap);
  print_row("floor b  round trip of Finished, CURVE, codec", m.round_trip);
  print_row("floor c  commit of two rows in the journal", m.commit);
  const double sum =
      percentile_of(m.spawn_gap, 50) + percentile_of(m.round_trip, 50) + percentile_of(m.commit, 50);
  std::printf("%-52s %6s %9.0f\n", "sum of the floors", "", sum);
  print_row("turnaround  end of a point to start of the next", m.turnaround);
  const double ratio = percentile_of(m.turnaround, 50) / sum;
  std::printf("%-52s %6s %9.2f   (aim: at most 2)\n", "turnaround p50 / sum of the floors", "", ratio);
  print_row("for comparison: posix_spawn until waitpid returns", m.spawn_whole);
  // On a busy machine a floor's loop waits for its time slice, which makes the floor too high.
  if (ratio < 1) {
    std::puts(
        "warning: the turnaround is below its floors: the machine was busy, so the ratio is meaningless");
  } else {
    print_if_busy(m.load);
  }
}

void append(std::vector<double>& to, const std::vector<double>& more) {
  to.insert(to.end(), more.begin(), more.end());
}

Expected<void> time_floors(const Options& options, const std::string& folder, int count, Measured& out) {
  SWEEP_ASSIGN(const auto spawns, time_spawns(options.directories.bin + "/bench-noop", folder, count));
  SWEEP_ASSIGN(const auto trips, time_round_trips(count));
  SWEEP_ASSIGN(const auto commits, time_commits(folder, count));
  append(out.spawn_gap, spawns.gap);
  append(out.spawn_whole, spawns.whole);
  append(out.round_trip, trips);
  append(out.commit, commits);
  return {};
}

Expected<void> measure(const Options& options) {
  SignalFd signals({SIGINT, SIGTERM, SIGHUP});
  SWEEP_ASSIGN(const auto folder, WorkFolder::make(options.directories.dir, "bench_turnaround"));
  Measured measured;
  measured.load = load_average();
  print_machine(options.directories.dir, measured.load);
  const int half = (options.points + 1) / 2;
  SWEEP_TRY(time_floors(options, folder.path, half, measured));
  SWEEP_ASSIGN(auto gaps, time_sweep(options, folder.path, signals));
  measured.turnaround = std::move(gaps);
  SWEEP_TRY(time_floors(options, folder.path, half, measured));
  print_table(measured);
  return {};
}

}  // namespace
}  // namespace sweep::bench

int main(int argc, char** argv) {
  using namespace sweep;
  bench::Options options;
  CommandLine app(
      "bench_turnaround",
      "Measures the time from the end of one point's process to the start of the next, and compares it with "
      "its floors.");
  app.option("--points", options.points, "number of points, and of samples of each floor")
      .range(10, 10'000)
      .show_default();
  bench::add_directory_options(app, options.directories, "all files of the benchmark",
                               "sweepctl, sweep-agent and bench-noop");
  if (const auto status = app.parse({argv + 1, argv + argc})) return *status;
  return bench::run_benchmark("bench_turnaround", [&] { return bench::measure(options); });
}
