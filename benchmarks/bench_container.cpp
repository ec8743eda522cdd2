// bench_container: measures the cost of containers: staging an image on a node, cold and warm, and starting a
// command in each available runtime, compared with starting it without a container.
//
// The image is made from this machine's own programs (deploy/local-image.sh, with filler so that unpacking
// takes a noticeable time). The helpers are those of the agent, run as processes. All files are in a
// temporary directory below --dir, which is removed at the end. The runtimes take turns, so that other load
// on the machine affects all of them.
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "benchmarks/bench_command.hpp"
#include "benchmarks/bench_common.hpp"
#include "benchmarks/bench_process.hpp"
#include "benchmarks/statistics.hpp"
#include "container/core/report.hpp"
#include "container/core/request.hpp"
#include "container/io/tools.hpp"
#include "util/os/process.hpp"
#include "util/os/run_program.hpp"
#include "util/text.hpp"

namespace sweep::bench {
namespace {

using container::Runtime;

constexpr double kAimWarmMs = 5, kAimStartMs = 50;

struct Options {
  Directories directories;
  std::string image;
  int runs = 50;
};

double milliseconds(std::chrono::steady_clock::duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

/// Returns how many milliseconds a command took. Fails if its exit status is not 0.
Expected<double> timed(const std::vector<std::string>& argv) {
  const auto begin = std::chrono::steady_clock::now();
  const auto ran = sweep::run_program(argv, {own_environment()});
  const double took = milliseconds(std::chrono::steady_clock::now() - begin);
  if (!ran) return tl::unexpected(ran.error());
  if (!ran->ok()) return fail(argv[0] + ": " + how_it_ended(*ran));
  return took;
}

struct StartMethod {
  std::string name;
  std::vector<std::string> argv;
  std::vector<double> ms = {};
};

container::StageRequest stage_request(const Options& options, const std::string& folder,
                                      const container::Tool& tool) {
  container::StageRequest out;
  out.runtime = tool.runtime;
  out.tool = tool.path;
  out.version = tool.version;
  out.container.image = options.image;
  out.container.cache = folder + "/cache";
  out.container.scratch = folder;
  return out;
}

Expected<container::Staged> stage(const Options& options, const container::StageRequest& request) {
  const auto ran = sweep::run_program({options.directories.bin + "/sweep-agent", "--stage", to_text(request)},
                                      {own_environment()});
  if (!ran) return tl::unexpected(ran.error());
  std::string last;
  for (const std::string& line : split(ran->out, '\n')) {
    if (!line.empty()) last = line;
  }
  SWEEP_ASSIGN(const auto report, container::report_in(last));
  if (const auto* staged = std::get_if<container::Staged>(&report)) return *staged;
  return fail(std::get_if<container::Failed>(&report) ? std::get<container::Failed>(report).reason : last);
}

std::vector<std::string> start_command(const Options& options, const std::string& folder,
                                       const container::Staged& staged, bool writable) {
  container::StartRequest out;
  out.runtime = staged.runtime;
  out.tool = staged.tool;
  out.container.image = staged.image;
  out.name = "bench-" + std::to_string(::getpid()) + (writable ? "w" : "r");
  out.argv = {"true"};
  out.workspace = folder;
  out.container.workdir = "/workspace/";
  out.container.scratch = folder;
  out.container.writable = writable;
  if (const char* const job = std::getenv("SLURM_JOB_ID")) out.job = job;
  if (const char* const node = std::getenv("SLURMD_NODENAME")) out.node = node;
  return {options.directories.bin + "/sweep-agent", "--contain", to_text(out)};
}

void print_row(const std::string& name, const std::vector<double>& ms, double floor) {
  const double p50 = percentile_of(ms, 50);
  std::printf("| %-28s | %8.2f | %8.2f | %8.2f |\n", name.c_str(), p50, percentile_of(ms, 99), p50 - floor);
}

/// Measures staging for one runtime, once cold and several times warm, and adds its start methods to
/// `methods`.
Expected<void> measure_staging(const Options& options, const std::string& folder, const container::Tool& tool,
                               std::vector<StartMethod>& methods) {
  const auto request = stage_request(options, folder, tool);
  const std::string name(runtime_word(tool.runtime));
  const auto begin = std::chrono::steady_clock::now();
  SWEEP_ASSIGN(const auto staged, stage(options, request));
  std::vector<double> cold{milliseconds(std::chrono::steady_clock::now() - begin)}, warm;
  for (int i = 0; i < options.runs; ++i) {
    SWEEP_ASSIGN(const auto took,
                 timed({options.directories.bin + "/sweep-agent", "--stage", to_text(request)}));
    warm.push_back(took);
  }
  print_row(name + ": staging, cold", cold, 0);
  print_row(name + ": staging, warm", warm, 0);
  if (tool.runtime == Runtime::Bwrap)
    print_aim(formatted("warm staging under %.0f ms", kAimWarmMs), percentile_of(warm, 50) < kAimWarmMs,
              formatted("%.2f ms", percentile_of(warm, 50)));
  methods.push_back({name, start_command(options, folder, staged, true)});
  methods.push_back({name + ", read-only", start_command(options, folder, staged, false)});
  return {};
}

Expected<void> measure_starts(const Options& options, std::vector<StartMethod>& methods) {
  for (int i = 0; i < options.runs; ++i) {
    for (StartMethod& method : methods) {
      SWEEP_ASSIGN(const auto took, timed(method.argv));
      method.ms.push_back(took);
    }
  }
  const double floor = percentile_of(methods[0].ms, 50);
  for (const StartMethod& method : methods)
    print_row("start: " + method.name, method.ms, floor);
  for (const StartMethod& method : methods) {
    if (method.name != "bwrap") continue;
    const double added = percentile_of(method.ms, 50) - floor;
    print_aim(formatted("bubblewrap adds under %.0f ms to a start", kAimStartMs), added < kAimStartMs,
              formatted("%.2f ms", added));
  }
  return {};
}

Expected<void> make_image(Options& options, const std::string& folder) {
  if (!options.image.empty()) return {};
  options.image = folder + "/local.sqsh";
  const auto made = timed({"bash", SWEEP_SOURCE_DIR "/deploy/local-image.sh", options.image,
                           options.directories.bin + "/cpu-smoke"});
  return made ? Expected<void>() : tl::unexpected(made.error());
}

Expected<void> measure(Options options) {
  const double load = load_average();
  print_machine(options.directories.dir, load);
  SWEEP_ASSIGN(auto work, WorkFolder::make(options.directories.dir, "bench-container"));
  const std::string& folder = work.path;
  if (const auto made = make_image(options, folder); !made) return made;
  std::printf("image: %s, %ju bytes; %d runs, milliseconds\n\n", options.image.c_str(),
              std::filesystem::file_size(options.image), options.runs);
  std::printf("| %-28s | %8s | %8s | %8s |\n|---|---|---|---|\n", "", "p50", "p99", "added");
  std::vector<StartMethod> methods{{"none", {container::find_program("true", own_environment())}}};
  for (const Runtime runtime : container::kAutoOrder) {
    const auto tool = container::try_runtime(runtime, own_environment());
    if (!tool) {
      std::printf("| %s | - | - | - |\n", tool.error().message.c_str());
      continue;
    }
    if (const auto done = measure_staging(options, folder, *tool, methods); !done)
      std::printf("| %s: %s | - | - | - |\n", std::string(runtime_word(runtime)).c_str(),
                  done.error().message.c_str());
  }
  const auto done = measure_starts(options, methods);
  print_if_busy(load);
  return done;
}

}  // namespace
}  // namespace sweep::bench

int main(int argc, char** argv) {
  using namespace sweep::bench;
  sweep::CommandLine app(
      "bench_container",
      "Measures the cost of containers: staging an image, cold and warm, and starting a command in each "
      "available runtime, compared with starting it without a container.");
  Options options;
  add_directory_options(app, options.directories, "images and unpacked images", "sweep-agent and cpu-smoke");
  app.option("--image", options.image, "squash file (default: an image made from this machine's programs)");
  app.option("--runs", options.runs, "number of runs of each command").range(1, 100'000).show_default();
  if (const auto status = app.parse({argv + 1, argv + argc})) return *status;
  return run_benchmark("bench_container", [&] { return measure(options); });
}
