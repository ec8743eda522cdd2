// bench_matrix: measures `sweepctl matrix full-sweep` as a whole process. First on InferenceMAX's own files,
// alternating with a Python process that does the same; then on generated master files with 1,000 to 100,000
// points in two shapes, for time, peak memory and their growth.
//
// InferenceMAX's tool is not part of this repository. If --python-tool gives its path, both must print the
// same output. Without it, a Python script does only what the tool has to do at least (start, import json and
// yaml, load the files); the ratio is then a lower bound, as the output states.
#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>

#include "benchmarks/bench_command.hpp"
#include "benchmarks/bench_common.hpp"
#include "benchmarks/bench_process.hpp"
#include "util/os/files.hpp"
#include "util/text.hpp"

namespace sweep::bench {
namespace {

namespace fs = std::filesystem;

constexpr double kAimRatio = 30;
constexpr double kAimSeconds = 1, kAimPeakMb = 200;
constexpr double kAimGrowth = 1.5;  // cost of a point among 100,000 relative to one among 10,000; 1 is linear
constexpr std::size_t kMaxOutput = 256u << 20;

const char* const kLoadOnlyScript =
    "import json, sys, yaml\n"
    "for name in sys.argv[1:]:\n"
    "    with open(name) as file:\n"
    "        yaml.safe_load(file)\n";

struct Options {
  Directories directories;
  std::string seed, python = "python3", tool;
  int runs = 40, scale_runs = 7;
};

struct Bench {
  Options options;
  std::string folder;
  SignalFd& signals;

  std::string errors() const { return folder + "/stderr"; }
  Program sweepctl(const std::vector<std::string>& files, const std::string& out = "/dev/null") const {
    Program program{
        {options.directories.bin + "/sweepctl", "matrix", "full-sweep", "--config-files"}, {}, out, errors()};
    program.argv.insert(program.argv.end(), files.begin(), files.end());
    return program;
  }
};

// --- comparison with Python

struct Python {
  std::string program, versions;
};

// Finds the interpreter itself, not a wrapper script. std::nullopt if it or PyYAML is missing.
Expected<std::optional<Python>> find_python(const Bench& bench) {
  const std::string out = bench.folder + "/python";
  const char* ask =
      "import sys, yaml; print(sys.executable, sys.version.split()[0], yaml.__version__, sep='\\n')";
  const auto run = run_program({{bench.options.python, "-c", ask}, {}, out, bench.errors()}, bench.signals);
  if (!run && run.error().message == "interrupted") return tl::unexpected(run.error());
  const auto lines = split(read_file(out, kMaxOutput).value_or(""), '\n');
  if (!run || lines.size() < 3) return std::nullopt;
  return Python{lines[0], "Python " + lines[1] + ", PyYAML " + lines[2]};
}

Program python_program(const Bench& bench, const Python& python, const std::vector<std::string>& files,
                       const std::string& out = "/dev/null") {
  Program program{{python.program}, {}, out, bench.errors()};
  if (bench.options.tool.empty()) {
    program.argv.insert(program.argv.end(), {"-c", kLoadOnlyScript});
  } else {
    program.argv.insert(program.argv.end(), {bench.options.tool, "full-sweep", "--config-files"});
  }
  program.argv.insert(program.argv.end(), files.begin(), files.end());
  return program;
}

// Counts the entries in the JSON line of full-sweep: each begins with its image.
std::size_t count_points(const std::string& output) {
  const std::string_view begin = "{\"image\": ";
  std::size_t count = 0;
  for (std::size_t at = output.find(begin); at != std::string::npos; at = output.find(begin, at + 1))
    ++count;
  return count;
}

// Runs each program once without measuring: this loads the files into the page cache and compares the
// outputs.
Expected<void> compare_outputs(const Bench& bench, const std::optional<Python>& python,
                               const std::vector<std::string>& files) {
  const std::string ours = bench.folder + "/ours", theirs = bench.folder + "/theirs";
  SWEEP_TRY(run_program(bench.sweepctl(files, ours), bench.signals));
  const std::string output = read_file(ours, kMaxOutput).value_or("");
  std::printf("%s, %s", counted(files.size(), "file").c_str(),
              counted(count_points(output), "point").c_str());
  if (python) {
    SWEEP_TRY(run_program(python_program(bench, *python, files, theirs), bench.signals));
    if (!bench.options.tool.empty()) {
      if (read_file(theirs, kMaxOutput).value_or("") != output) {
        std::puts("");
        return fail("'" + bench.options.tool +
                    "' and sweepctl print different output, so their times cannot be compared");
      }
      std::printf("; both print the same %zu bytes", output.size());
    }
  }
  std::puts("");
  return {};
}

void print_runs(const std::string& name, const Runs& runs) {
  std::printf("%-52s %6zu %9.2f %9.2f %9.1f\n", name.c_str(), runs.seconds.size(), runs.p50() * 1e3,
              runs.p90() * 1e3, runs.peak_mb);
}

Expected<std::vector<std::string>> master_files(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(folder, code)) {
    if (entry.path().filename().string().ends_with("-master.yaml")) files.push_back(entry.path().string());
  }
  if (files.empty())
    return fail("'" + folder + "' contains no *-master.yaml; give a directory with master files with --seed");
  std::sort(files.begin(), files.end());
  return files;
}

Expected<void> compare_with_python(const Bench& bench) {
  SWEEP_ASSIGN(const auto files, master_files(bench.options.seed));
  SWEEP_ASSIGN(const auto python, find_python(bench));
  std::printf("\nmaster files of %s: ", bench.options.seed.c_str());
  SWEEP_TRY(compare_outputs(bench, python, files));

  Runs ours, theirs, no_op;
  for (int i = 0; i < bench.options.runs; ++i) {
    SWEEP_ASSIGN(const auto own, run_program(bench.sweepctl(files), bench.signals));
    ours.add(own);
    const auto empty = run_program({{"true"}, {}, "/dev/null", bench.errors()}, bench.signals);
    if (!empty) return tl::unexpected(empty.error());
    no_op.add(*empty);
    if (!python) continue;
    SWEEP_ASSIGN(const auto other, run_program(python_program(bench, *python, files), bench.signals));
    theirs.add(other);
  }
  std::printf("%-52s %6s %9s %9s %9s\n", "milliseconds of a whole process", "n", "p50", "p90", "peak MB");
  print_runs("sweepctl matrix full-sweep", ours);
  print_runs("for comparison: true, a process that does nothing", no_op);
  if (!python) {
    std::printf("no comparison: '%s' with PyYAML was not found; give one with --python\n",
                bench.options.python.c_str());
    return {};
  }
  const bool whole = !bench.options.tool.empty();
  print_runs(python->versions + (whole ? ": the tool" : ": only loading the files"), theirs);
  if (!whole) {
    std::puts(
        "The Python script only imports yaml and json and loads the files, so the ratio is a lower bound;");
    std::puts("--python-tool FILE compares with the tool itself.");
  }
  const double ratio = theirs.p50() / ours.p50();
  print_aim(formatted("at least %.0f times faster than Python", kAimRatio), ratio >= kAimRatio,
            formatted("%s%.1f times, p50 to p50; p90 to p90 %.1f", whole ? "" : "at least ", ratio,
                      theirs.p90() / ours.p90()));
  return {};
}

// --- growth

struct Shape {
  const char* name;
  int lengths;        // pairs of input and output lengths per entry
  int elements;       // elements in the search space of each pair
  int points;         // points in the range of each element
  std::int64_t last;  // last concurrency of a range that starts at 1
};

// A range of 50 points ends at 2^49; the contract allows numbers up to 10^15.
constexpr Shape kManyEntries{"many entries of 5 points", 1, 1, 5, 16};
constexpr Shape kLongRanges{"few entries, ranges of 50 points", 2, 10, 50, std::int64_t{1} << 49};

void write_entry(std::ostream& out, const Shape& shape, std::size_t number, std::size_t& left) {
  out << "bench" << number << "-fp8-h200-sglang:\n"
      << "  image: lmsysorg/sglang:v0.5.3\n  model: deepseek-ai/DeepSeek-R1-0528\n  model-prefix: bench"
      << number << "\n  runner: h200\n  precision: fp8\n  framework: sglang\n  seq-len-configs:\n";
  for (int i = 0; i < shape.lengths && left > 0; ++i) {
    out << "  - isl: 1024\n    osl: " << 1024 * (i + 1) << "\n    search-space:\n";
    for (int j = 0; j < shape.elements && left > 0; ++j) {
      if (left < static_cast<std::size_t>(shape.points)) {
        out << "    - { tp: 8, conc-start: 1, conc-end: 1 }\n";
        --left;
      } else {
        out << "    - { tp: 8, conc-start: 1, conc-end: " << shape.last << " }\n";
        left -= static_cast<std::size_t>(shape.points);
      }
    }
  }
}

Expected<std::size_t> write_master(const std::string& path, const Shape& shape, std::size_t points) {
  std::ofstream out(path);
  std::size_t left = points;
  for (std::size_t number = 0; left > 0; ++number)
    write_entry(out, shape, number, left);
  const auto bytes = static_cast<std::size_t>(out.tellp());
  out.close();
  if (!out) return fail("cannot write '" + path + "'");
  return bytes;
}

struct Size {
  std::size_t points = 0, bytes = 0;
  Runs runs;
  std::string path;
};

// The cost of a point beyond that of a file with one point.
double microseconds_per_point(const Size& size, const Size& one) {
  return (size.runs.p50() - one.runs.p50()) * 1e6 / static_cast<double>(size.points - 1);
}

double bytes_per_point(const Size& size, const Size& one) {
  return (size.runs.peak_mb - one.runs.peak_mb) * 1e6 / static_cast<double>(size.points - 1);
}

void print_size(const Size& size, const Size& one) {
  std::printf("%10zu %9.1f %6zu %9.1f %9.1f %9.1f", size.points, static_cast<double>(size.bytes) / 1e3,
              size.runs.seconds.size(), size.runs.p50() * 1e3, size.runs.p90() * 1e3, size.runs.peak_mb);
  if (size.points == 1) {
    std::printf("%10s %9s\n", "-", "-");
  } else {
    std::printf("%10.2f %9.0f\n", microseconds_per_point(size, one), bytes_per_point(size, one));
  }
}

void print_shape(const Shape& shape, const std::vector<Size>& sizes) {
  std::printf("\n%s\n%10s %9s %6s %9s %9s %9s%10s %9s\n", shape.name, "points", "file kB", "n", "p50 ms",
              "p90 ms", "peak MB", "us/point", "B/point");
  for (const Size& size : sizes)
    print_size(size, sizes.front());
  const Size &one = sizes.front(), &middle = sizes[sizes.size() - 2], &last = sizes.back();
  const double time = microseconds_per_point(last, one) / microseconds_per_point(middle, one);
  const double memory = bytes_per_point(last, one) / bytes_per_point(middle, one);
  print_aim(formatted("%zu points under %.0f s and %.0f MB", last.points, kAimSeconds, kAimPeakMb),
            last.runs.p50() < kAimSeconds && last.runs.peak_mb < kAimPeakMb,
            formatted("%.2f s, %.1f MB", last.runs.p50(), last.runs.peak_mb));
  print_aim("linear growth", time < kAimGrowth && memory < kAimGrowth,
            formatted("a point of %zu costs %.2f times the time and %.2f times the memory of one of %zu",
                      last.points, time, memory, middle.points));
}

Expected<void> check_size(const Bench& bench, const Size& size) {
  const std::string out = bench.folder + "/ours";
  SWEEP_TRY(run_program(bench.sweepctl({size.path}, out), bench.signals));
  std::ifstream in(out);
  std::size_t found = 0;
  for (std::string part; std::getline(in, part, '}');)  // in pieces: this process has to stay small
    found += count_points(part);
  if (found == size.points) return {};
  return fail("sweepctl printed " + std::to_string(found) + " of " + counted(size.points, "point"));
}

Expected<void> measure_growth(const Bench& bench, const Shape& shape) {
  std::vector<Size> sizes;
  for (const std::size_t points : {1u, 1'000u, 10'000u, 100'000u}) {
    Size size{points, 0, {}, bench.folder + "/" + std::to_string(points) + ".yaml"};
    SWEEP_ASSIGN(const auto bytes, write_master(size.path, shape, points));
    size.bytes = bytes;
    SWEEP_TRY(check_size(bench, size));
    sizes.push_back(size);
  }
  for (int i = 0; i < bench.options.scale_runs; ++i) {
    for (Size& size : sizes) {
      SWEEP_ASSIGN(const auto run, run_program(bench.sweepctl({size.path}), bench.signals));
      size.runs.add(run);
    }
  }
  print_shape(shape, sizes);
  return {};
}

Expected<void> measure(Options options) {
  SignalFd signals({SIGINT, SIGTERM, SIGHUP});
  SWEEP_ASSIGN(const auto folder, WorkFolder::make(options.directories.dir, "bench_matrix"));
  const double load = load_average();
  print_machine(options.directories.dir, load);
  if (options.seed.empty()) {
    options.seed = SWEEP_SOURCE_DIR "/../shared/golden/inputs/seed";
    if (!fs::is_directory(options.seed)) {
      options.seed = SWEEP_SOURCE_DIR "/configs/examples";
      std::puts("InferenceMAX's files are not beside the checkout; using this repository's examples instead");
    }
    options.seed = fs::weakly_canonical(options.seed).string();
  }
  const Bench bench{options, folder.path, signals};
  SWEEP_TRY(compare_with_python(bench));
  SWEEP_TRY(measure_growth(bench, kManyEntries));
  SWEEP_TRY(measure_growth(bench, kLongRanges));
  print_if_busy(load);
  return {};
}

}  // namespace
}  // namespace sweep::bench

int main(int argc, char** argv) {
  using namespace sweep;
  bench::Options options;
  CommandLine app(
      "bench_matrix",
      "Measures `sweepctl matrix full-sweep` as a whole process: compared with Python, and for growing "
      "files.");
  app.option("--seed", options.seed,
             "directory with InferenceMAX's *-master.yaml (default: ../shared/golden/inputs/seed beside the "
             "checkout)")
      .existing_directory();
  app.option("--python-tool", options.tool,
             "path of InferenceMAX's generate_sweep_configs.py, to compare with")
      .existing_file();
  app.option("--python", options.python, "Python interpreter with PyYAML").show_default();
  app.option("--runs", options.runs, "number of runs of each program, alternating")
      .range(1, 10'000)
      .show_default();
  app.option("--scale-runs", options.scale_runs, "number of runs for each generated file, alternating")
      .range(1, 10'000)
      .show_default();
  bench::add_directory_options(app, options.directories, "generated files", "sweepctl");
  if (const auto status = app.parse({argv + 1, argv + argc})) return *status;
  return bench::run_benchmark("bench_matrix", [&] { return bench::measure(options); });
}
