// bench_makespan: computes how long a sweep occupies its nodes, in virtual time: (a) with one job per point
// and a poll every 30 s, (b) in a warm allocation, (c) with servers that are reused, (d) with points packed
// on disjoint GPUs; and a lower bound.
//
// In (b) to (d) the real controller core grants the leases. Durations come from the simulated server's model
// and start times are random; nothing was measured on a GPU, as the output states.
#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "benchmarks/bench_command.hpp"
#include "benchmarks/bench_makespan_simulation.hpp"

namespace sweep::bench {
namespace {

constexpr Millis kPoll{30'000};

/// Returns InferenceMAX's own file if it lies beside this repository, otherwise the example in this
/// repository.
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
  bool trace = false;
};

double hours(Millis time) {
  return static_cast<double>(time.count()) / 3'600'000;
}

void print_row(const char* name, const Makespan& what, Millis job, Millis bound) {
  std::printf("  %-46s %9.2f %8d %9.0f %% %8.2f %8.2f\n", name, hours(what.time), what.starts,
              100 * what.gpus_used, hours(job) / hours(what.time), hours(what.time) / hours(bound));
}

/// Prints how the nodes' GPU time was used, and each attempt in the order of the leases, as tab-separated values.
void print_trace(const char* name, const Makespan& what, int nodes) {
  double starting = 0, unused_at_end = 0;  // GPU milliseconds
  std::map<std::string, std::int64_t> last_end;
  for (const SimulatedAttempt& attempt : what.attempts) {
    starting += static_cast<double>(attempt.start.count()) * attempt.gpus;
    std::int64_t& last = last_end[attempt.agent];
    last = std::max(last, (attempt.began + attempt.start + attempt.run).count());
  }
  for (const auto& [agent, last] : last_end)
    unused_at_end += static_cast<double>(what.time.count() - last) * kGpusPerNode;
  const double all = static_cast<double>(what.time.count()) * kGpusPerNode * nodes;
  std::printf("trace of %s: starts and resets %.1f %%, nodes empty at the end %.1f %% of all GPU time\n",
              name, 100 * starting / all, 100 * unused_at_end / all);
  std::printf("agent\tbegan, s\tstart, s\tclient, s\tGPUs\tstarted\tpoint\tserver\n");
  for (const SimulatedAttempt& attempt : what.attempts) {
    std::printf("%s\t%lld\t%lld\t%lld\t%d\t%d\t%s\t%s\n", attempt.agent.c_str(),
                static_cast<long long>(attempt.began.count() / 1000),
                static_cast<long long>(attempt.start.count() / 1000),
                static_cast<long long>(attempt.run.count() / 1000), attempt.gpus, attempt.started ? 1 : 0,
                attempt.point.c_str(), attempt.server.c_str());
  }
}

Expected<void> measure(const Options& options) {
  SWEEP_ASSIGN(const auto points, simulated_points(options.config, options.profile, options.hardware));
  std::set<std::string> keys;
  Millis client_time{0};
  for (const SimulatedPoint& point : points) {
    keys.insert(point.spec.server.str());
    client_time += point.run;
  }
  std::printf(
      "simulated: %zu points of %s on %s, %zu distinct servers; clients run for %.1f h according to the\n"
      "simulated server's model; a server starts in 3 to 10 minutes (random, seed %llu); %d GPUs per "
      "node\n\n",
      points.size(), options.config.substr(options.config.rfind('/') + 1).c_str(), options.hardware.c_str(),
      keys.size(), hours(client_time), static_cast<unsigned long long>(options.seed), kGpusPerNode);
  for (const int nodes : options.nodes) {
    const Makespan jobs = simulate_job_per_point(points, nodes, kPoll, options.seed);
    const Millis whole = lower_bound(points, nodes, false, options.seed),
                 packed = lower_bound(points, nodes, true, options.seed);
    std::printf("%d node%s: %30s %28s %8s %11s %8s %8s\n", nodes, nodes == 1 ? "" : "s", "", "makespan, h",
                "starts", "GPUs used", "a / it", "/ bound");
    print_row("(a) one job per point, a poll every 30 s", jobs, jobs.time, whole);
    print_row("(b) warm allocation", simulate_allocation(points, nodes, {false, false}, options.seed),
              jobs.time, whole);
    const Makespan reused = simulate_allocation(points, nodes, {true, false}, options.seed);
    print_row("(c) warm allocation, servers reused", reused, jobs.time, whole);
    const Makespan disjoint = simulate_allocation(points, nodes, {true, true}, options.seed);
    print_row("(d) as (c), points packed on disjoint GPUs", disjoint, jobs.time, packed);
    std::printf("  %-46s %9.2f   packed %.2f\n\n", "lower bound", hours(whole), hours(packed));
    if (options.trace) print_trace("(c)", reused, nodes);
    if (options.trace) print_trace("(d)", disjoint, nodes);
  }
  return {};
}

}  // namespace
}  // namespace sweep::bench

int main(int argc, char** argv) {
  using namespace sweep::bench;
  Options options;
  sweep::CommandLine app(
      "bench_makespan",
      "Computes how long a sweep occupies its nodes, in virtual time with the real controller core. "
      "Simulated.");
  app.option("--config", options.config, "master configuration (default: InferenceMAX's, or an example)")
      .existing_file();
  app.option("--profile", options.profile, "profile that names the recipes").existing_file();
  app.option("--hardware", options.hardware,
             "hardware whose points to run: b200, h200 or h100 (default: b200)");
  app.option("--nodes", options.nodes, "number of nodes; several numbers give several tables");
  app.option("--seed", options.seed, "seed for the start times of servers (default: 1)");
  app.flag("--trace", options.trace, "also print each attempt of (c) and (d)");
  if (const auto status = app.parse({argv + 1, argv + argc})) return *status;
  return run_benchmark("bench_makespan", [&] { return measure(options); });
}
