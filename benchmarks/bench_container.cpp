// bench_container: what containers cost: bringing an image to a node, cold and warm, and starting a command
// in each runtime that works here, beside starting it without one.
//
// Rules: the image is made of this machine's own programs (deploy/local-image.sh, with filler so that
// unpacking counts); the helpers are those of the agent, as processes. Everything is in a folder of its own
// below --dir, gone at the end. The runtimes take turns, so that what the machine does otherwise hits all of
// them.
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "benchmarks/bench_machine.hpp"
#include "benchmarks/bench_main.hpp"
#include "benchmarks/bench_process.hpp"
#include "benchmarks/stats.hpp"
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
  Places places;
  std::string image;
  int runs = 50;
};

double milliseconds(std::chrono::steady_clock::duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

/// How long a command took from its start to its end; fails where it does not end with 0.
Expected<double> timed(const std::vector<std::string>& argv) {
  const auto begin = std::chrono::steady_clock::now();
  const auto ran = run_program(argv, {own_environment()});
  const double took = milliseconds(std::chrono::steady_clock::now() - begin);
  if (!ran) return tl::unexpected(ran.error());
  if (!ran->ok()) return fail(argv[0] + ": " + how_it_ended(*ran));
  return took;
}

struct Way {
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
  const auto ran =
      run_program({options.places.bin + "/sweep-agent", "--stage", to_text(request)}, {own_environment()});
  if (!ran) return tl::unexpected(ran.error());
  std::string last;
  for (const std::string& line : split(ran->out, '\n')) {
    if (!line.empty()) last = line;
  }
  SWEEP_ASSIGN(const auto report, container::report_in(last));
  if (const auto* staged = std::get_if<container::Staged>(&report)) return *staged;
  return fail(std::get_if<container::Failed>(&report) ? std::get<container::Failed>(report).reason : last);
}

std::vector<std::string> start_in(const Options& options, const std::string& folder,
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
  return {options.places.bin + "/sweep-agent", "--contain", to_text(out)};
}

void print_row(const std::string& name, const std::vector<double>& ms, double floor) {
  const double p50 = percentile_of(ms, 50);
  std::printf("| %-28s | %8.2f | %8.2f | %8.2f |\n", name.c_str(), p50, percentile_of(ms, 99), p50 - floor);
}

/// Cold once, warm many times, of one runtime; then the ways to start in it.
Expected<void> measure_staging(const Options& options, const std::string& folder, const container::Tool& tool,
                               std::vector<Way>& ways) {
  const auto request = stage_request(options, folder, tool);
  const std::string name(runtime_word(tool.runtime));
  const auto begin = std::chrono::steady_clock::now();
  SWEEP_ASSIGN(const auto staged, stage(options, request));
  std::vector<double> cold{milliseconds(std::chrono::steady_clock::now() - begin)}, warm;
  for (int i = 0; i < options.runs; ++i) {
    SWEEP_ASSIGN(const auto took, timed({options.places.bin + "/sweep-agent", "--stage", to_text(request)}));
    warm.push_back(took);
  }
  print_row(name + ": staging, cold", cold, 0);
  print_row(name + ": staging, warm", warm, 0);
  if (tool.runtime == Runtime::Bwrap)
    print_aim(text("warm staging under %.0f ms", kAimWarmMs), percentile_of(warm, 50) < kAimWarmMs,
              text("%.2f ms", percentile_of(warm, 50)));
  ways.push_back({name, start_in(options, folder, staged, true)});
  ways.push_back({name + ", read-only", start_in(options, folder, staged, false)});
  return {};
}

Expected<void> measure_starts(const Options& options, std::vector<Way>& ways) {
  for (int i = 0; i < options.runs; ++i) {
    for (Way& way : ways) {
      SWEEP_ASSIGN(const auto took, timed(way.argv));
      way.ms.push_back(took);
    }
  }
  const double floor = percentile_of(ways[0].ms, 50);
  for (const Way& way : ways)
    print_row("start: " + way.name, way.ms, floor);
  for (const Way& way : ways) {
    if (way.name != "bwrap") continue;
    const double added = percentile_of(way.ms, 50) - floor;
    print_aim(text("bubblewrap adds under %.0f ms to a start", kAimStartMs), added < kAimStartMs,
              text("%.2f ms", added));
  }
  return {};
}

Expected<void> make_image(Options& options, const std::string& folder) {
  if (!options.image.empty()) return {};
  options.image = folder + "/local.sqsh";
  const auto made = timed(
      {"bash", SWEEP_SOURCE_DIR "/deploy/local-image.sh", options.image, options.places.bin + "/cpu-smoke"});
  return made ? Expected<void>() : tl::unexpected(made.error());
}

Expected<void> measure(Options options) {
  const double load = load_average();
  print_machine(options.places.dir, load);
  SWEEP_ASSIGN(auto work, WorkFolder::make(options.places.dir, "bench-container"));
  const std::string& folder = work.path;
  if (const auto made = make_image(options, folder); !made) return made;
  std::printf("image: %s, %ju bytes; %d runs, milliseconds\n\n", options.image.c_str(),
              std::filesystem::file_size(options.image), options.runs);
  std::printf("| %-28s | %8s | %8s | %8s |\n|---|---|---|---|\n", "", "p50", "p99", "added");
  std::vector<Way> ways{{"none", {container::find_program("true", own_environment())}}};
  for (const Runtime runtime : container::kAutoOrder) {
    const auto tool = container::try_runtime(runtime, own_environment());
    if (!tool) {
      std::printf("| %s | - | - | - |\n", tool.error().message.c_str());
      continue;
    }
    if (const auto done = measure_staging(options, folder, *tool, ways); !done)
      std::printf("| %s: %s | - | - | - |\n", std::string(runtime_word(runtime)).c_str(),
                  done.error().message.c_str());
  }
  const auto done = measure_starts(options, ways);
  print_if_busy(load);
  return done;
}

}  // namespace
}  // namespace sweep::bench

int main(int argc, char** argv) {
  using namespace sweep::bench;
  CommandLine app(
      "bench_container",
      "What containers cost: staging an image, cold and warm, and starting a command in each runtime that "
      "works here, "
      "beside starting it without one.");
  Options options;
  add_places(app, options.places, "images and what is unpacked of them", "sweep-agent and cpu-smoke");
  app.option("--image", options.image, "a squash file (default: one of this machine's own programs)");
  app.option("--runs", options.runs, "of each").range(1, 100'000);
  if (const auto status = app.parse({argv + 1, argv + argc})) return *status;
  return run_benchmark("bench_container", [&] { return measure(options); });
}
