// bench_makespan: how long a sweep keeps its nodes, in virtual time: (a) one job per point and a poll of 30
// s, (b) a warm allocation, (c) with warm servers, (d) with points packed on disjoint GPUs, beside a lower
// bound.
//
// Rules: (b) to (d) are leased by the real core. Durations are of the simulated server's model and starts are
// drawn; nothing here was measured on a GPU, and the output says so.
#include <set>

#include "benchmarks/bench_main.hpp"
#include "benchmarks/bench_makespan_play.hpp"

namespace sweep::bench {
namespace {

constexpr Millis kPoll{30'000};

/// InferenceMAX's own file where it lies beside this repository, else the example of it here.
std::string default_config() {
  const std::string seed = SWEEP_SOURCE_DIR "/../shared/golden/inputs/seed/nvidia-master.yaml";
  return std::filesystem::exists(seed) ? seed : SWEEP_SOURCE_DIR "/configs/dsr1-1k1k.yaml";
}

struct Options {
  std::string config = default_config();
  std::string profile = SWEEP_SOURCE_DIR "/configs/profiles/recipes.yaml";
  std::string hardware = "b200";
  std::vector<int> nodes = {1, 4, 16};
  std::uint64_t seed = 1;
};

double hours(Millis time) {
  return static_cast<double>(time.count()) / 3'600'000;
}

void print_row(const char* name, const Makespan& what, Millis job, Millis bound) {
  std::printf("  %-46s %9.2f %8d %9.0f %% %8.2f %8.2f\n", name, hours(what.time), what.starts,
              100 * what.gpus_used, hours(job) / hours(what.time), hours(what.time) / hours(bound));
}

Expected<void> measure(const Options& options) {
  SWEEP_ASSIGN(const auto points, simulated_points(options.config, options.profile, options.hardware));
  std::set<std::string> keys;
  Millis work{0};
  for (const SimulatedPoint& point : points) {
    keys.insert(point.spec.server.str());
    work += point.run;
  }
  std::printf(
      "simulated: %zu points of %s on %s, %zu distinct servers, %.1f h of clients by the simulated\n"
      "server's model; a server starts in 3 to 10 minutes (drawn, seed %llu); nodes of %d GPUs\n\n",
      points.size(), options.config.substr(options.config.rfind('/') + 1).c_str(), options.hardware.c_str(),
      keys.size(), hours(work), static_cast<unsigned long long>(options.seed), kGpusPerNode);
  for (const int nodes : options.nodes) {
    const Makespan jobs = play_jobs(points, nodes, kPoll, options.seed);
    const Millis whole = lower_bound(points, nodes, false), packed = lower_bound(points, nodes, true);
    std::printf("%d node%s: %30s %28s %8s %11s %8s %8s\n", nodes, nodes == 1 ? "" : "s", "", "makespan, h",
                "starts", "GPUs used", "a / it", "/ bound");
    print_row("(a) one job per point, a poll every 30 s", jobs, jobs.time, whole);
    print_row("(b) warm allocation", play_crew(points, nodes, {false, false}, options.seed), jobs.time,
              whole);
    print_row("(c) warm allocation and servers", play_crew(points, nodes, {true, false}, options.seed),
              jobs.time, whole);
    print_row("(d) the same, packed on disjoint GPUs", play_crew(points, nodes, {true, true}, options.seed),
              jobs.time, packed);
    std::printf("  %-46s %9.2f   packed %.2f\n\n", "lower bound", hours(whole), hours(packed));
  }
  return {};
}

}  // namespace
}  // namespace sweep::bench

int main(int argc, char** argv) {
  using namespace sweep::bench;
  Options options;
  CommandLine app("bench_makespan",
                  "How long a sweep keeps its nodes, in virtual time through the real core. Simulated.");
  app.option("--config", options.config, "the master configuration").existing_file();
  app.option("--profile", options.profile, "the profile that names the recipes").existing_file();
  app.option("--hardware", options.hardware, "whose points: b200, h200 or h100");
  app.option("--nodes", options.nodes, "how many nodes, several numbers for several tables");
  app.option("--seed", options.seed, "of the servers' start times");
  if (const auto status = app.parse({argv + 1, argv + argc})) return *status;
  return run_benchmark("bench_makespan", [&] { return measure(options); });
}
