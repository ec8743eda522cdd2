// bench_matrix: measures `sweepctl matrix full-sweep` as a whole process. First on the own files of
// InferenceMAX and InferenceX, alternating with a Python process that does the same; then on generated master
// files with 1,000 to 100,000 points in two shapes each, for time, peak memory and their growth.
//
// Their tools are not part of this repository. If --python-tool or --head-python-tool gives the path of one,
// both must print the same output. Without it, a Python script does only what the tool has to do at least
// (start, import json and yaml, load the files); the ratio is then a lower bound, as the output states.
#include <algorithm>
#include <array>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>

#include "benchmarks/bench_command.hpp"
#include "benchmarks/bench_common.hpp"
#include "benchmarks/bench_matrix_files.hpp"
#include "benchmarks/bench_process.hpp"
#include "util/os/files.hpp"
#include "util/text.hpp"

namespace sweep::bench {
namespace {

namespace fs = std::filesystem;

// What a generation of files should reach.
struct Aims {
  double ratio;                       // how many times faster than Python on the real files
  double real_seconds, real_peak_mb;  // of the real files; 0: no aim
  double seconds, peak_mb;            // of 100,000 points
};
constexpr Aims kInferenceMax{30, 0, 0, 1, 200};
constexpr Aims kInferenceX{20, 0.066, 40, 1.5, 250};
constexpr double kAimGrowth = 1.5;  // cost of a point among 100,000 relative to one among 10,000; 1 is linear
constexpr std::size_t kMaxOutput = 256u << 20;

const char* const kLoadOnlyScript =
    "import json, sys, yaml\n"
    "for name in sys.argv[1:]:\n"
    "    with open(name) as file:\n"
    "        yaml.safe_load(file)\n";

struct Options {
  Directories directories;
  std::string seed, head, python = "python3", tool, head_tool;
  int runs = 40, scale_runs = 7;
};

struct Bench {
  Options options;
  std::string folder;
  SignalFd& signals;

  std::string errors() const { return folder + "/stderr"; }
};

// Files of one generation and the tool of that generation.
struct Input {
  Aims aims;
  std::vector<std::string> files;
  std::string runner_file;  // "": the generation needs none
  std::string tool;         // path of the Python tool; "": only load the files

  std::vector<std::string> arguments() const {
    std::vector<std::string> out = {"full-sweep", "--config-files"};
    out.insert(out.end(), files.begin(), files.end());
    if (!runner_file.empty()) out.insert(out.end(), {"--runner-config", runner_file});
    return out;
  }
};

Program sweepctl(const Bench& bench, const Input& input, const std::string& out = "/dev/null") {
  Program program{{bench.options.directories.bin + "/sweepctl", "matrix"}, {}, out, bench.errors()};
  const auto arguments = input.arguments();
  program.argv.insert(program.argv.end(), arguments.begin(), arguments.end());
  return program;
}

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

Program python_program(const Bench& bench, const Python& python, const Input& input,
                       const std::string& out = "/dev/null") {
  Program program{{python.program}, {}, out, bench.errors()};
  auto& argv = program.argv;
  if (input.tool.empty()) {
    argv.insert(argv.end(), {"-c", kLoadOnlyScript});
    argv.insert(argv.end(), input.files.begin(), input.files.end());
  } else {
    argv.push_back(input.tool);
    const auto arguments = input.arguments();
    argv.insert(argv.end(), arguments.begin(), arguments.end());
  }
  return program;
}

// Counts the rows in the JSON line of full-sweep: each begins with its image.
std::size_t count_rows(const std::string& output) {
  const std::string_view begin = "{\"image\": ";
  std::size_t count = 0;
  for (std::size_t at = output.find(begin); at != std::string::npos; at = output.find(begin, at + 1))
    ++count;
  return count;
}

// Runs each program once without measuring: this loads the files into the page cache and compares the
// outputs.
Expected<void> compare_outputs(const Bench& bench, const std::optional<Python>& python, const Input& input) {
  const std::string ours = bench.folder + "/ours", theirs = bench.folder + "/theirs";
  SWEEP_TRY(run_program(sweepctl(bench, input, ours), bench.signals));
  const std::string output = read_file(ours, kMaxOutput).value_or("");
  std::printf("%s, %s", counted(input.files.size(), "file").c_str(),
              counted(count_rows(output), "row").c_str());
  if (python) {
    SWEEP_TRY(run_program(python_program(bench, *python, input, theirs), bench.signals));
    if (!input.tool.empty()) {
      if (read_file(theirs, kMaxOutput).value_or("") != output) {
        std::puts("");
        return fail("'" + input.tool +
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

Expected<std::vector<std::string>> master_files(const std::string& folder, const char* option) {
  std::vector<std::string> files;
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(folder, code)) {
    if (entry.path().filename().string().ends_with("-master.yaml")) files.push_back(entry.path().string());
  }
  if (files.empty())
    return fail("'" + folder + "' contains no *-master.yaml; give a directory with master files with " +
                option);
  std::sort(files.begin(), files.end());
  return files;
}

// Prints whether the times of the real files reach what they should.
void print_aims(const Input& input, const Runs& ours, const Runs& theirs, bool has_python) {
  if (input.aims.real_seconds > 0)
    print_aim(
        formatted("at most %.0f ms and %.0f MB", input.aims.real_seconds * 1e3, input.aims.real_peak_mb),
        ours.p50() <= input.aims.real_seconds && ours.peak_mb < input.aims.real_peak_mb,
        formatted("%.1f ms, %.1f MB", ours.p50() * 1e3, ours.peak_mb));
  if (!has_python) return;
  if (input.tool.empty())
    std::puts(
        "The Python script only imports yaml and json and loads the files, so the ratio is a lower bound;\n"
        "--python-tool and --head-python-tool compare with the tools themselves.");
  const double ratio = theirs.p50() / ours.p50();
  print_aim(formatted("at least %.0f times faster than Python", input.aims.ratio), ratio >= input.aims.ratio,
            formatted("%s%.1f times, p50 to p50; p90 to p90 %.1f", input.tool.empty() ? "at least " : "",
                      ratio, theirs.p90() / ours.p90()));
}

Expected<void> compare_with_python(const Bench& bench, const std::string& folder, const Input& input) {
  SWEEP_ASSIGN(const auto python, find_python(bench));
  std::printf("\nmaster files of %s: ", folder.c_str());
  SWEEP_TRY(compare_outputs(bench, python, input));
  Runs ours, theirs, no_op;
  for (int i = 0; i < bench.options.runs; ++i) {
    SWEEP_ASSIGN(const auto own, run_program(sweepctl(bench, input), bench.signals));
    ours.add(own);
    const auto empty = run_program({{"true"}, {}, "/dev/null", bench.errors()}, bench.signals);
    if (!empty) return tl::unexpected(empty.error());
    no_op.add(*empty);
    if (!python) continue;
    SWEEP_ASSIGN(const auto other, run_program(python_program(bench, *python, input), bench.signals));
    theirs.add(other);
  }
  std::printf("%-52s %6s %9s %9s %9s\n", "milliseconds of a whole process", "n", "p50", "p90", "peak MB");
  print_runs("sweepctl matrix full-sweep", ours);
  print_runs("for comparison: true, a process that does nothing", no_op);
  if (python)
    print_runs(python->versions + (input.tool.empty() ? ": only loading the files" : ": the tool"), theirs);
  else
    std::printf("no comparison: '%s' with PyYAML was not found; give one with --python\n",
                bench.options.python.c_str());
  print_aims(input, ours, theirs, python.has_value());
  return {};
}

// --- growth

// A range of 50 points ends at 2^49; the contracts allow numbers up to 10^15.
constexpr std::int64_t kLongRangeEnd = std::int64_t{1} << 49;
constexpr std::array<MatrixShape, 4> kShapes = {
    {{"InferenceMAX: many entries of 5 points", false, false, 1, 1, 5, 16},
     {"InferenceMAX: few entries, ranges of 50 points", false, false, 2, 10, 50, kLongRangeEnd},
     {"InferenceX: many entries of 5 points, of all four kinds", true, true, 1, 1, 5, 16},
     {"InferenceX: few entries, ranges of 50 points", true, false, 2, 10, 50, kLongRangeEnd}}};

struct Size {
  std::size_t points = 0, bytes = 0, rows = 0;
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

void print_shape(const MatrixShape& shape, const std::vector<Size>& sizes) {
  std::printf("\n%s\n%10s %9s %6s %9s %9s %9s%10s %9s\n", shape.name, "points", "file kB", "n", "p50 ms",
              "p90 ms", "peak MB", "us/point", "B/point");
  for (const Size& size : sizes)
    print_size(size, sizes.front());
  const Size &one = sizes.front(), &middle = sizes[sizes.size() - 2], &last = sizes.back();
  const double time = microseconds_per_point(last, one) / microseconds_per_point(middle, one);
  const double memory = bytes_per_point(last, one) / bytes_per_point(middle, one);
  const Aims& aims = shape.inferencex ? kInferenceX : kInferenceMax;
  print_aim(formatted("%zu points under %.1f s and %.0f MB", last.points, aims.seconds, aims.peak_mb),
            last.runs.p50() < aims.seconds && last.runs.peak_mb < aims.peak_mb,
            formatted("%.2f s, %.1f MB", last.runs.p50(), last.runs.peak_mb));
  print_aim("linear growth", time < kAimGrowth && memory < kAimGrowth,
            formatted("a point of %zu costs %.2f times the time and %.2f times the memory of one of %zu",
                      last.points, time, memory, middle.points));
}

Expected<void> check_size(const Bench& bench, const Input& input, const Size& size) {
  const std::string out = bench.folder + "/ours";
  SWEEP_TRY(run_program(sweepctl(bench, input, out), bench.signals));
  std::ifstream in(out);
  std::size_t found = 0;
  for (std::string part; std::getline(in, part, '}');)  // in pieces: this process has to stay small
    found += count_rows(part);
  if (found == size.rows) return {};
  return fail("sweepctl printed " + std::to_string(found) + " of " + counted(size.rows, "row"));
}

Expected<void> measure_growth(const Bench& bench, const MatrixShape& shape) {
  const std::string labels = bench.folder + "/labels.yaml";
  SWEEP_TRY(write_labels_file(labels));
  const auto input_of = [&](const Size& size) {
    return Input{
        shape.inferencex ? kInferenceX : kInferenceMax, {size.path}, shape.inferencex ? labels : "", ""};
  };
  std::vector<Size> sizes;
  for (const std::size_t points : {1u, 1'000u, 10'000u, 100'000u}) {
    Size size{points, 0, 0, {}, bench.folder + "/" + std::to_string(points) + ".yaml"};
    SWEEP_ASSIGN(const auto written, write_master_file(size.path, shape, points));
    size.bytes = written.bytes;
    size.rows = written.rows;
    SWEEP_TRY(check_size(bench, input_of(size), size));
    sizes.push_back(size);
  }
  for (int i = 0; i < bench.options.scale_runs; ++i) {
    for (Size& size : sizes) {
      SWEEP_ASSIGN(const auto run, run_program(sweepctl(bench, input_of(size)), bench.signals));
      size.runs.add(run);
    }
  }
  print_shape(shape, sizes);
  return {};
}

// Returns the folder with the real files of a generation: `given`, or the one beside the checkout if it is
// there.
std::string real_files(const std::string& given, const char* beside_checkout) {
  if (!given.empty()) return given;
  const std::string folder = std::string(SWEEP_SOURCE_DIR) + beside_checkout;
  return fs::is_directory(folder) ? fs::weakly_canonical(folder).string() : std::string();
}

Expected<void> compare_real_files(const Bench& bench) {
  const Options& options = bench.options;
  std::string seed = real_files(options.seed, "/../shared/golden/inputs/seed");
  if (seed.empty()) {
    seed = SWEEP_SOURCE_DIR "/configs/examples";
    std::puts("InferenceMAX's files are not beside the checkout; using this repository's examples instead");
  }
  SWEEP_ASSIGN(auto seed_files, master_files(seed, "--seed"));
  SWEEP_TRY(compare_with_python(bench, seed, {kInferenceMax, std::move(seed_files), "", options.tool}));
  const std::string head = real_files(options.head, "/../shared/golden/inputs/head");
  if (head.empty()) {
    std::puts("InferenceX's files are not beside the checkout; give their directory with --head");
    return {};
  }
  SWEEP_ASSIGN(auto head_files, master_files(head, "--head"));
  return compare_with_python(bench, head,
                             {kInferenceX, std::move(head_files), head + "/runners.yaml", options.head_tool});
}

Expected<void> measure(const Options& options) {
  SignalFd signals({SIGINT, SIGTERM, SIGHUP});
  SWEEP_ASSIGN(const auto folder, WorkFolder::make(options.directories.dir, "bench_matrix"));
  const double load = load_average();
  print_machine(options.directories.dir, load);
  const Bench bench{options, folder.path, signals};
  SWEEP_TRY(compare_real_files(bench));
  for (const MatrixShape& shape : kShapes)
    SWEEP_TRY(measure_growth(bench, shape));
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
  app.option(
         "--head", options.head,
         "directory with InferenceX's *-master.yaml and runners.yaml (default: ../shared/golden/inputs/head "
         "beside the checkout)")
      .existing_directory();
  app.option("--python-tool", options.tool,
             "path of InferenceMAX's generate_sweep_configs.py, to compare with")
      .existing_file();
  app.option("--head-python-tool", options.head_tool,
             "path of InferenceX's generate_sweep_configs.py, to compare with")
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
