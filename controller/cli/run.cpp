// sweepctl run: the same sweep without the plugin. Agents are started through srun inside an allocation, else
// one agent as a child on this machine.
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdlib>

#include "controller/cli/arguments.hpp"
#include "controller/cli/commands.hpp"
#include "controller/cli/conduct.hpp"
#include "controller/cli/print.hpp"
#include "controller/cli/step_agent.hpp"
#include "proto/base/env_names.hpp"
#include "proto/base/outcome.hpp"
#include "util/json.hpp"
#include "util/os/files.hpp"
#include "util/os/process.hpp"

namespace sweep::cli {

namespace {

constexpr const char* kDescription =
    "Runs a sweep: BENCHMARK once for each point of the benchmark matrix in FILE. Inside a Slurm allocation "
    "(salloc, sbatch) it runs on all nodes of the job, through one step; elsewhere on this machine alone. On "
    "a "
    "cluster with the plugin, srun --sweep-config=FILE BENCHMARK does the same.\n\n"
    "BENCHMARK finds its point in the environment and leaves the serving client's JSON as "
    "$RESULT_FILENAME.json in its working directory. Without BENCHMARK, the profile names it. Ctrl-C once: "
    "no "
    "new points, running ones are stopped, what is there is aggregated. Twice: at once.";

constexpr const char* kClosing = R"(Exit status:
  0    every point is done and every file is written
  1    not all of that, or the sweep could not start
  2    wrong usage
  128+N
       stopped by signal N: 130 after Ctrl-C

Environment:
  What BENCHMARK gets, as InferenceMAX's scripts expect it:
  EXP_NAME MODEL IMAGE FRAMEWORK PRECISION ISL OSL MAX_MODEL_LEN TP CONC
  EP_SIZE DP_ATTENTION RANDOM_RANGE_RATIO RUNNER_NAME RUNNER_TYPE
  HF_HUB_CACHE PORT PORT_OFFSET RESULT_FILENAME

Files:
  sweep_configs.json  the matrix, one entry for each point
  sweep.db            the journal (SQLite)
  raw/, logs/         the clients' JSON; output of benchmarks and controller
  agg_*.json          one processed result for each point, and all together
  summary.txt         table, failures, totals
  jobs.txt            one line for each attempt
  manifest.json       points expected, the outcome of each, provenance
  tput_vs_*.png       throughput per GPU over latency and interactivity

Examples:
  On four nodes of eight GPUs, through Slurm:
    salloc -N4 --gpus-per-node=8 --exclusive --time=3:00:00 \
      sweepctl run nvidia-master.yaml --select '--seq-lens 1k1k' \
      -- ./bench.sh
  On this machine alone, as its profile says:
    sweepctl run matrix.yaml --profile here.yaml -- ./bench.sh
  Go on with a sweep that was cut off:
    sweepctl run --resume --output results_dsr1_1k1k_20261124_222153 \
      -- ./bench.sh
)";

/// In a job, but in no ordinary step of it: a batch script, or the shell of salloc (which may be an
/// interactive step).
bool in_allocation() {
  constexpr std::uint64_t kLastOrdinaryStep = 0xfffffff0;
  if (variable("SLURM_JOB_ID").empty()) return false;
  const std::string step = variable("SLURM_STEP_ID");
  return step.empty() || std::strtoull(step.c_str(), nullptr, 10) > kLastOrdinaryStep;
}

/// One agent on each node of the allocation, with all of the node that the job has.
std::vector<std::string> agent_command(const Arguments& benchmark, const container::StepVariables& step) {
  std::vector<std::string> command;
  if (in_allocation()) {
    std::string nodes = variable("SLURM_JOB_NUM_NODES");
    if (nodes.empty()) nodes = "1";
    command = {
        "srun",      "--job-name=sweep", "--nodes=" + nodes,    "--ntasks=" + nodes, "--ntasks-per-node=1",
        "--overlap", "--cpu-bind=none",  "--kill-on-bad-exit=0"};
    // Of sbatch --export=NONE there would be left what begins with SLURM_.
    if (!step.empty()) command.push_back("--export=ALL");
  }
  const auto agent = step.empty() ? std::vector{agent_program()} : container::agent_inside(step);
  command.insert(command.end(), agent.begin(), agent.end());
  command.push_back("--");
  command.insert(command.end(), benchmark.begin(), benchmark.end());
  return command;
}

std::vector<std::string> agent_environment(const Access& access, const container::StepVariables& step) {
  std::vector<std::string> out;
  for (std::string& entry : own_environment()) {
    // An inherited --sweep-config would have the plugin start a sweep inside this one.
    if (entry.starts_with(SWEEP_ENV_PREFIX) || entry.starts_with(SWEEP_ENV_SPANK_PREFIX)) continue;
    // srun takes these of the batch script for its own wishes.
    if (entry.starts_with("SLURM_NTASKS") || entry.starts_with("SLURM_NPROCS=") ||
        entry.starts_with("SLURM_TASKS_PER_NODE="))
      continue;
    if (!step.empty() && entry.starts_with(SWEEP_ENV_PYXIS_PREFIX)) continue;
    out.push_back(std::move(entry));
  }
  out.push_back(std::string(SWEEP_ENV_ENDPOINT) + "=" + access.endpoint);
  out.push_back(std::string(SWEEP_ENV_SERVER_KEY) + "=" + access.server_key);
  out.push_back(std::string(SWEEP_ENV_CLIENT_SECRET) + "=" + access.client_secret);
  for (const auto& [name, value] : step)
    out.push_back(name + "=" + value);
  return out;
}

/// What the agents' step is to have for their container; empty: they run on the node.
Expected<container::StepVariables> step_of(const Plan& plan) {
  if (!plan.step) return container::StepVariables();
  return variables_of_step(*plan.step, plan.profile, "");
}

std::string ending(const ExitStatus& status) {
  if (status.signal) return "was killed by signal " + std::to_string(*status.signal);
  return "ended with status " + std::to_string(status.code.value_or(0));
}

/// The agents' process: a local agent, or the srun that has them all.
class Crew {
 public:
  static Expected<Crew> start(const Arguments& benchmark, Driver& server) {
    SWEEP_ASSIGN(const auto step, step_of(server.sweep().plan));
    SpawnSpec spec;
    spec.argv = agent_command(benchmark, step);
    spec.environment = agent_environment(server.access(), step);
    // srun's death would leave its step behind; an agent alone must not outlive us.
    spec.dies_with_parent = !in_allocation();
    SWEEP_ASSIGN(auto child, spawn(spec));
    return Crew(std::move(child), spec.argv.front());
  }

  void watch(Driver& server) {
    server.loop().watch(child_.pidfd.get(), [this, &server] {
      const auto status = reap(child_.pid);
      if (!status) return;
      server.loop().unwatch(child_.pidfd.get());
      running_ = false;
      server.expect_nobody();
      server.stop(name_ + " " + ending(*status), Millis(0));
    });
  }

  /// Once the sweep is over: whoever has not ended by now is told to.
  void finish() {
    if (running_) ::kill(-child_.pid, SIGTERM);
  }

 private:
  Crew(Child child, std::string name) : child_(std::move(child)), name_(std::move(name)) {}
  Child child_;
  std::string name_;
  bool running_ = true;
};

}  // namespace

int run_command(const Arguments& arguments) {
  CommandLine app("sweepctl run", kDescription, kClosing);
  SweepArguments wanted;
  Arguments benchmark;
  bool quiet = false;
  add_sweep_options(app, wanted, false);
  app.option("FILE", wanted.configs, "benchmark matrix: a master configuration (YAML), or FILE,FILE")
      .usage("FILE... [-- BENCHMARK [ARG]...]");
  app.flag("--quiet", quiet, "print only what is wrong");
  Arguments own = arguments;
  if (const auto dashes = std::find(own.begin(), own.end(), "--"); dashes != own.end()) {
    benchmark.assign(dashes + 1, own.end());
    own.erase(dashes, own.end());
  }
  if (const auto status = app.parse(own)) return *status;
  if (const auto wrong = wrong_use(wanted, "sweepctl run FILE -- BENCHMARK"))
    return print_error("run: " + *wrong), 2;

  SignalFd signals({SIGINT, SIGTERM, SIGHUP});
  Console console(quiet);
  const std::string job = in_allocation() ? variable("SLURM_JOB_ID") : "";
  Arguments words = {"sweepctl", "run"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  auto server = open_server(wanted, {job, words, job, Fd()}, console);
  if (!server) return print_error(server.error().message), 1;
  const Interrupts interrupts(signals, **server);
  auto crew = Crew::start(benchmark, **server);
  if (!crew) {
    (*server)->retire();
    return print_error(crew.error().message), 1;
  }
  crew->watch(**server);
  const Conduct end = conduct(**server, console);
  crew->finish();
  if (end.complete && end.all_written) return 0;
  return interrupts.signal() != 0 ? 128 + interrupts.signal() : 1;
}

}  // namespace sweep::cli
