// sweepctl run: a sweep without the plugin. Inside an allocation it starts the agents through srun, elsewhere
// one agent as a child process on this machine.
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdlib>

#include "controller/cli/arguments.hpp"
#include "controller/cli/commands.hpp"
#include "controller/cli/print.hpp"
#include "controller/cli/run_sweep.hpp"
#include "controller/cli/step_agent.hpp"
#include "controller/io/output_dir.hpp"
#include "proto/base/env_names.hpp"
#include "proto/base/outcome.hpp"
#include "util/json.hpp"
#include "util/os/files.hpp"
#include "util/os/process.hpp"
#include "util/text.hpp"

namespace sweep::cli {

namespace {

constexpr const char* kRunDescription =
    "Runs a sweep: BENCHMARK is run once for each point of the benchmark matrix in FILE. Inside a Slurm "
    "allocation (salloc, sbatch) it uses all nodes of the job, through one job step; elsewhere only this "
    "machine. On a cluster with the plugin, srun --sweep-config=FILE BENCHMARK does the same.\n\n"
    "BENCHMARK gets its point in environment variables and writes the serving client's JSON to "
    "$RESULT_FILENAME.json in its working directory. Without BENCHMARK, the benchmark that the profile names "
    "is run.\n\n"
    "Press Ctrl-C once to stop the sweep cleanly: no new points are started, running ones are stopped, and "
    "finished results are aggregated. Press it twice to stop immediately.";

constexpr const char* kRunClosing = R"(Exit status:
  0    every point is done, its result is valid, and every file was
       written
  1    otherwise, or the sweep could not start
  2    wrong usage
  3    every point is done and every file was written, but not every result
       is valid (0 if the profile has 'strict: no')
  128+N
       stopped by signal N, for example 130 after Ctrl-C

Environment:
  Set for BENCHMARK, as InferenceMAX's scripts expect it:
  EXP_NAME MODEL IMAGE FRAMEWORK PRECISION ISL OSL MAX_MODEL_LEN TP CONC
  EP_SIZE DP_ATTENTION RANDOM_RANGE_RATIO RUNNER_NAME RUNNER_TYPE
  HF_HUB_CACHE PORT PORT_OFFSET RESULT_FILENAME

Files:
  sweep_configs.json  the matrix, one entry per point
  sweep.db            the journal (SQLite)
  raw/, logs/         the clients' JSON; output of benchmarks and controller
  agg_*_conc*.json    one processed result per point
  agg_EXP.json        all of an experiment's in one file; of several
                      experiments: agg_all.json
  summary.txt         table, failures, totals
  jobs.txt            one line per attempt
  manifest.json       all points with their outcomes and provenance
  tput_vs_*.png       throughput per GPU over latency and interactivity

Examples:
  Run on four nodes with eight GPUs each, through Slurm:
    salloc -N4 --gpus-per-node=8 --exclusive --time=3:00:00 \
      sweepctl run nvidia-master.yaml \
      --select '--seq-lens 1k1k --runner-type b200' -- ./bench.sh
  Run on this machine, with its own profile:
    sweepctl run matrix.yaml --profile here.yaml -- ./bench.sh
  Resume a sweep that was interrupted:
    sweepctl run --resume --output results_dsr1_1k1k_20261124_222153 \
      -- ./bench.sh
)";

/// Returns true inside a job but outside its ordinary steps: in a batch script, or in the shell of salloc
/// (which may be an interactive step).
bool in_allocation() {
  constexpr std::uint64_t kLastOrdinaryStep = 0xfffffff0;
  if (variable("SLURM_JOB_ID").empty()) return false;
  const std::string step = variable("SLURM_STEP_ID");
  return step.empty() || std::strtoull(step.c_str(), nullptr, 10) > kLastOrdinaryStep;
}

/// Returns the command that starts the agents: one on each node of the allocation, with all of the job's
/// resources there.
std::vector<std::string> agent_command(const Arguments& benchmark, const container::StepVariables& step) {
  std::vector<std::string> command;
  if (in_allocation()) {
    std::string nodes = variable("SLURM_JOB_NUM_NODES");
    if (nodes.empty()) nodes = "1";
    command = {
        "srun",      "--job-name=sweep", "--nodes=" + nodes,    "--ntasks=" + nodes, "--ntasks-per-node=1",
        "--overlap", "--cpu-bind=none",  "--kill-on-bad-exit=0"};
    // Otherwise, after sbatch --export=NONE, only variables that begin with SLURM_ would reach the step.
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
    // With an inherited --sweep-config the plugin would start a sweep inside this one.
    if (entry.starts_with(SWEEP_ENV_PREFIX) || entry.starts_with(SWEEP_ENV_SPANK_PREFIX)) continue;
    // srun would read these variables of the batch script as its own options.
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

/// Returns the variables of the agents' step if they run in a container image; empty if they run on the node.
Expected<container::StepVariables> step_of(const Plan& plan) {
  if (!plan.step) return container::StepVariables();
  return variables_of_step(*plan.step, plan.profile, "");
}

std::string exit_text(const ExitStatus& status) {
  if (status.signal) return "was killed by signal " + std::to_string(*status.signal);
  return "exited with status " + std::to_string(status.code.value_or(0));
}

/// The process of the agents: one local agent, or the srun that runs all of them.
class AgentProcess {
 public:
  static Expected<AgentProcess> start(const Arguments& benchmark, Driver& driver) {
    SWEEP_ASSIGN(const auto step, step_of(driver.sweep().plan));
    SpawnSpec spec;
    spec.argv = agent_command(benchmark, step);
    spec.environment = agent_environment(driver.access(), step);
    // Agents must not wait for a controller that nobody restarts. A local one is killed with this process;
    // srun is asked to end its step, because its own death would leave the step behind.
    if (in_allocation()) spec.death_signal = SIGTERM;
    SWEEP_ASSIGN(auto child, spawn(spec));
    return AgentProcess(std::move(child), spec.argv.front());
  }

  void watch(Driver& driver) {
    driver.loop().watch(child_.pidfd.get(), [this, &driver] {
      const auto status = reap(child_.pid);
      if (!status) return;
      driver.loop().unwatch(child_.pidfd.get());
      running_ = false;
      driver.stop_expecting_agents();
      driver.stop(name_ + " " + exit_text(*status), Millis(0));
    });
  }

  /// Ends the process if it is still running. For the end of the sweep.
  void terminate() {
    if (running_) ::kill(-child_.pid, SIGTERM);
  }

 private:
  AgentProcess(Child child, std::string name) : child_(std::move(child)), name_(std::move(name)) {}
  Child child_;
  std::string name_;
  bool running_ = true;
};

}  // namespace

int run_command(const Arguments& arguments) {
  CommandLine app("sweepctl run", kRunDescription, kRunClosing);
  SweepRequest request;
  bool quiet = false;
  add_sweep_options(app, request, false);
  app.option("FILE", request.configs,
             "benchmark matrix: a master configuration (YAML), or several as FILE,FILE")
      .usage("FILE... [-- BENCHMARK [ARG]...]");
  app.flag("--quiet", quiet, "print errors only");
  Arguments own = arguments;
  const Arguments benchmark = take_benchmark(own).value_or(Arguments());
  if (const auto status = app.parse(own)) return *status;
  if (const auto error = usage_error(request, "sweepctl run FILE -- BENCHMARK"))
    return print_error("run: " + *error + "; see sweepctl run --help"), 2;

  SignalFd signals({SIGINT, SIGTERM, SIGHUP});
  Console console(quiet);
  const std::string job = in_allocation() ? variable("SLURM_JOB_ID") : "";
  SessionOrigin origin{job, {"sweepctl", "run"}, job, BenchmarkCommand{benchmark, absolute_path(".")}};
  origin.values = pattern_values(request.output, origin);
  origin.command.insert(origin.command.end(), arguments.begin(), arguments.end());
  auto driver = open_driver(request, origin, Fd(), console);
  if (!driver) return print_error_list(driver.error().message), 1;
  const Interrupts interrupts(signals, **driver);
  auto agents = AgentProcess::start(benchmark, **driver);
  if (!agents) {
    (*driver)->remove_control_file();
    console.error("sweepctl: " + printable(agents.error().message));
    return console.flush(), 1;
  }
  agents->watch(**driver);
  const SweepEnd end = run_sweep(**driver, console);
  agents->terminate();
  console.flush();
  if (end.complete && end.all_written) return end.valid ? 0 : kNotValidStatus;
  return interrupts.signal() != 0 ? 128 + interrupts.signal() : 1;
}

}  // namespace sweep::cli
