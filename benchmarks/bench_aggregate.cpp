// bench_aggregate: measures commands over 10,000 processed results as whole processes: collect, summarize,
// pareto, plot and aggregate, alternating with two floors: a process that reads the same files with plain
// read(2), and one that also parses them with nlohmann::json.
//
// The files are made by the project's own process_result and are in the page cache during the measurement;
// the first round is not measured, and its output is checked. collect, aggregate and plot write their output
// to a disk, with syncs, as for a user.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>
#include <vector>

#include "benchmarks/bench_aggregate_files.hpp"
#include "benchmarks/bench_command.hpp"
#include "benchmarks/bench_common.hpp"
#include "benchmarks/bench_process.hpp"
#include "util/os/files.hpp"
#include "util/text.hpp"

namespace sweep::bench {
namespace {

namespace fs = std::filesystem;

constexpr double kAimSeconds = 1, kAimPlotSeconds = 5;

struct Options {
  Directories directories;
  std::string floor, folder;  // for a process that runs a floor
  std::size_t results = 10'000;
  int runs = 7;
  std::vector<std::string> skipped;  // commands to skip
};

struct Row {
  std::string key, name;
  Program program;
  Runs runs;
};

// --- commands and files

// All paths, below the temporary directory.
struct Layout {
  explicit Layout(const std::string& top)
      : results(top + "/results"),
        sweep(top + "/aggregated"),
        work(top + "/work"),
        printed(top + "/printed"),
        errors(top + "/errors") {}
  std::string results, sweep, work, printed, errors;
};

// aggregate writes to the directory that it reads, so it has its own, with hard links to the same files.
Expected<std::size_t> make_files(const Layout& layout, std::size_t count) {
  for (const std::string& folder : {layout.results, layout.sweep, layout.work}) {
    SWEEP_TRY(make_directories(folder));
  }
  const auto bytes = write_results(layout.results, count);
  if (!bytes) return bytes;
  for (const auto& entry : fs::directory_iterator(layout.results))
    fs::create_hard_link(entry.path(), fs::path(layout.sweep) / entry.path().filename());
  return bytes;
}

std::vector<Row> rows_of(const Options& options, const Layout& layout) {
  const std::string own = options.directories.bin + "/bench_aggregate",
                    ctl = options.directories.bin + "/sweepctl";
  std::vector<Row> rows;
  const auto add = [&](const char* key, const char* name, std::vector<std::string> argv) {
    if (std::find(options.skipped.begin(), options.skipped.end(), key) != options.skipped.end()) return;
    rows.push_back({key, name, {std::move(argv), layout.work, layout.printed, layout.errors}, {}});
  };
  add("read", "floor a  reading the files", {own, "--floor", "read", layout.results});
  add("parse", "floor b  reading and parsing them", {own, "--floor", "parse", layout.results});
  add("collect", "sweepctl collect DIR EXP", {ctl, "collect", layout.results, "bench"});
  add("summarize", "sweepctl summarize DIR", {ctl, "summarize", layout.results});
  add("pareto", "sweepctl pareto DIR", {ctl, "pareto", layout.results});
  add("aggregate", "sweepctl aggregate DIR", {ctl, "aggregate", layout.sweep});
  add("plot", "sweepctl plot DIR EXP", {ctl, "plot", layout.results, "bench"});
  return rows;
}

// --- their output

std::size_t count_lines(const std::string& path, const std::string& begin) {
  std::ifstream in(path);
  std::size_t count = 0;
  for (std::string line; std::getline(in, line);)
    count += line.starts_with(begin);
  return count;
}

Expected<void> expect(const std::string& what, std::size_t seen, std::size_t expected) {
  if (seen == expected) return {};
  return fail("unexpected number of " + what + ": " + std::to_string(seen) + " instead of " +
              std::to_string(expected));
}

Expected<void> check_output(const Layout& layout, const std::string& key, std::size_t results) {
  constexpr std::size_t kHeaderLines = 2;
  if (key == "collect") {
    const std::string collected = layout.work + "/agg_bench.json";
    return expect("results written by collect", count_lines(collected, "    \"hw\""), results);
  }
  if (key == "summarize")
    return expect("rows printed by summarize", count_lines(layout.printed, "|"), results + kHeaderLines);
  if (key == "plot") return expect("pictures drawn by plot", count_lines(layout.printed, ""), 2);
  return {};
}

// --- the table

std::optional<double> p50_of(const std::vector<Row>& rows, const std::string& key) {
  for (const Row& row : rows) {
    if (row.key == key) return row.runs.p50();
  }
  return std::nullopt;
}

void print_aims(const std::vector<Row>& rows) {
  const auto collect = p50_of(rows, "collect"), summarize = p50_of(rows, "summarize"),
             pareto = p50_of(rows, "pareto"), parse = p50_of(rows, "parse"), plot = p50_of(rows, "plot");
  if (collect && summarize && pareto) {
    const double together = *collect + *summarize + *pareto;
    std::string seen = formatted("%.2f s", together);
    if (parse) seen += formatted(", on average %.2f times floor b each", together / (3 * *parse));
    print_aim(formatted("collect, summarize and pareto together under %.0f s", kAimSeconds),
              together < kAimSeconds, seen);
  }
  if (plot) {
    print_aim(formatted("plot under %.0f s", kAimPlotSeconds), *plot < kAimPlotSeconds,
              formatted("%.2f s", *plot));
  }
}

void print_table(const std::vector<Row>& rows) {
  std::printf("\n%-52s %6s %9s %9s %9s\n", "milliseconds of a whole process", "n", "p50", "p90", "peak MB");
  for (const Row& row : rows) {
    std::printf("%-52s %6zu %9.1f %9.1f %9.1f\n", row.name.c_str(), row.runs.seconds.size(),
                row.runs.p50() * 1e3, row.runs.p90() * 1e3, row.runs.peak_mb);
  }
  print_aims(rows);
}

Expected<void> measure(const Options& options) {
  SignalFd signals({SIGINT, SIGTERM, SIGHUP});
  SWEEP_ASSIGN(const auto folder, WorkFolder::make(options.directories.dir, "bench_aggregate"));
  const double load = load_average();
  print_machine(options.directories.dir, load);
  const Layout layout(folder.path);
  SWEEP_ASSIGN(const auto bytes, make_files(layout, options.results));
  std::printf("\n%zu results, %.1f MB, %zu bytes each\n", options.results, static_cast<double>(bytes) / 1e6,
              bytes / options.results);
  std::fflush(stdout);
  std::vector<Row> rows = rows_of(options, layout);
  for (int i = -1; i < options.runs; ++i) {
    for (Row& row : rows) {
      SWEEP_ASSIGN(const auto run, run_program(row.program, signals));
      if (i >= 0) {
        row.runs.add(run);
      } else if (auto good = check_output(layout, row.key, options.results); !good) {
        return good;
      }
    }
  }
  print_table(rows);
  print_if_busy(load);
  return {};
}

Expected<void> run_floor(const Options& options) {
  SWEEP_ASSIGN(const auto count,
               read_results(options.folder, options.floor == "read" ? Floor::Read : Floor::Parse));
  std::printf("%zu\n", count);
  return {};
}

}  // namespace
}  // namespace sweep::bench

int main(int argc, char** argv) {
  using namespace sweep;
  bench::Options options;
  CommandLine app(
      "bench_aggregate",
      "Measures sweepctl's commands over many processed results as whole processes, and compares them with "
      "floors.");
  app.option("--results", options.results, "number of processed results").range(1, 1'000'000).show_default();
  app.option("--runs", options.runs, "number of runs of each command, alternating")
      .range(1, 10'000)
      .show_default();
  app.option("--without", options.skipped, "commands to skip, such as plot,aggregate")
      .comma_separated()
      .one_of({"read", "parse", "collect", "summarize", "pareto", "aggregate", "plot"});
  bench::add_directory_options(app, options.directories, "the results and the output",
                               "sweepctl and bench_aggregate");
  auto floor =
      app.option("--floor", options.floor, "only run one of the floors over FOLDER, without measuring")
          .one_of({"read", "parse"});
  auto of = app.option("FOLDER", options.folder, "directory for --floor").existing_directory();
  floor.needs(of);
  of.needs(floor);
  if (const auto status = app.parse({argv + 1, argv + argc})) return *status;
  return bench::run_benchmark("bench_aggregate", [&] {
    return options.floor.empty() ? bench::measure(options) : bench::run_floor(options);
  });
}
