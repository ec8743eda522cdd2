// sweep-agent: replaces a Slurm task, or is a child of `sweepctl run`, and runs the benchmarks that the
// controller leases to it. What it does: core/agent.hpp. How: io/driver.hpp.
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "agent/io/access.hpp"
#include "agent/io/driver.hpp"
#include "agent/io/leftovers.hpp"
#include "agent/io/sampling_process.hpp"
#include "container/io/overlay.hpp"
#include "container/io/scoped_folders.hpp"
#include "container/io/stage.hpp"
#include "container/io/supervise.hpp"
#include "proto/base/env_names.hpp"
#include "util/os/process.hpp"
#include "util/os/signals.hpp"
#include "util/os/standard_streams.hpp"
#include "util/text.hpp"

namespace {

constexpr const char* kHelp = R"(Usage: sweep-agent [OPTION]... [-- BENCHMARK [ARG]...]

Runs the benchmarks of a sweep: runs BENCHMARK once for each point that the
controller leases to it, with the point in the environment, and sends the
result to the controller. Without BENCHMARK, it runs the benchmark that the
sweep's profile names.

You need not start it yourself. srun --sweep-config=FILE runs it in place of
each task of the step; sweepctl run starts it through srun or as a child. Both
pass the controller's address and keys in its environment. To run the benchmark
named in the profile, give sweep-agent as the command of srun
--sweep-config=FILE.

Options:
  -h, --help            show this help and exit
  -V, --version         show the version and exit
  --telemetry [GPU,... [EVERY_MS]]
                        print samples of the NVIDIA GPUs (power, clocks,
                        temperature, memory, processes) as lines of JSON,
                        every second by default, until their reader is
                        gone; the agent starts itself with this option
  --tidy                end containers whose agents are dead, remove what they
                        have left on this node, and kill processes that
                        attempts of this step have left running; the plugin
                        runs it at the end of a step. (--stage, --contain and
                        --overlay: the agent starts itself with these options
                        to set up containers)

Exit status:
  0    every point of the sweep is done and its result is valid
  1    not every point is done, or the agent was stopped
  2    wrong usage, or the controller's address and keys are missing
  3    every point is done, but not every result is valid (0 if the profile
       has 'strict: no')

Environment:
  SLURM_SWEEP_ENDPOINT, SLURM_SWEEP_SERVER_KEY, SLURM_SWEEP_CLIENT_SECRET
       the controller's address and the keys for it; the agent removes the
       secret from its environment at once, and benchmarks get none of them
  CUDA_VISIBLE_DEVICES, ROCR_VISIBLE_DEVICES, HIP_VISIBLE_DEVICES
       the agent's GPUs; if benchmarks are packed by GPU, each one gets its
       own share of them

Signals:
  SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2
       stop the running benchmarks and report them as preempted, which does
       not count as a retry of their points; a second signal kills them. The
       warning that srun --signal=USR1@60 requests is one of these signals

Files:
  $TMPDIR/slurm-sweep-UID/ (without TMPDIR: in /tmp)
       the outcomes of attempts, with their results, until the controller has
       acknowledged them; what an agent leaves there, the next agent of the
       sweep on this node delivers. `spool:` in the profile names another place

Examples:
  Run the benchmarks that the profile names, on four nodes with eight GPUs:
    srun -N4 --ntasks-per-node=1 --gpus-per-node=8 --exclusive \
      --sweep-config=nvidia-master.yaml --sweep-select='--runner-type b200' \
      --sweep-profile=site.yaml sweep-agent
)";

constexpr int kUsage = 2;

int telemetry(const std::vector<std::string>& words) {
  using namespace sweep::agent;
  const auto settings = parse_sampler_settings(words, sweep::own_environment());
  if (settings) return sample_gpus(*settings);
  print_line(settings.error().message);
  return kUsage;
}

using Helper = int (*)(const std::vector<std::string>&);

/// Returns the function for an option with which the agent starts itself for work around containers.
Helper helper_of(const std::string& option) {
  namespace container = sweep::container;
  using Words = std::vector<std::string>;
  if (option == "--stage")
    return [](const Words& words) { return container::stage_image(words.empty() ? "" : words[0]); };
  if (option == "--contain")
    return [](const Words& words) { return container::contain(words.empty() ? "" : words[0]); };
  if (option == "--overlay") return [](const Words& words) { return container::overlay(words); };
  if (option != "--tidy") return nullptr;
  return [](const Words&) {
    constexpr sweep::Millis kPatience{2'000};
    // Processes first: container::remove_abandoned_containers() removes what they leave.
    const int killed = sweep::agent::kill_leftovers(sweep::own_environment(), kPatience);
    container::wait_for_supervisors(sweep::own_environment(), kPatience);
    for (const container::RemovedContainer& left :
         container::remove_abandoned_containers(sweep::own_environment()))
      sweep::agent::print_line(left.line);
    if (killed > 0)
      sweep::agent::print_line("killed " + std::to_string(killed) +
                               (killed == 1 ? " process" : " processes") +
                               " left running by attempts of this step");
    return 0;
  };
}

int run(const std::vector<std::string>& words) {
  using namespace sweep::agent;
  const std::string first = words.empty() ? "--" : words[0];
  if (first == "--help" || first == "-h") {
    std::fputs(kHelp, stdout);
    return 0;
  }
  if (first == "--version" || first == "-V") {
    std::puts("sweep-agent " SWEEP_VERSION);
    return 0;
  }
  // What --overlay executes in its place is the benchmark, which may leave core files.
  if (first != "--overlay") sweep::forbid_core_files();
  if (const auto helper = helper_of(first)) return helper({words.begin() + 1, words.end()});
  if (first == "--telemetry") return telemetry({words.begin() + 1, words.end()});
  if (first != "--") {
    print_line("unknown argument '" + sweep::printable(first) +
               "'; put the benchmark after --; see sweep-agent --help");
    return kUsage;
  }
  // TMPDIR is the job's, and may not exist inside the container; /tmp does.
  if (std::getenv(SWEEP_ENV_LOADER) != nullptr) ::unsetenv("TMPDIR");
  const auto access = take_access();
  if (!access) {
    print_line(access.error().message);
    return kUsage;
  }
  const std::size_t head = words.empty() ? 0 : 1;
  return run_agent(*access,
                   make_setup(*access, {words.begin() + static_cast<std::ptrdiff_t>(head), words.end()}));
}

}  // namespace

int main(int argc, char** argv) {
  sweep::open_standard_streams();
  sweep::set_standard_dispositions();
  int status = 1;
  try {
    status = run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    sweep::agent::print_line("internal error: " + std::string(error.what()));
  }
  sweep::agent::flush_lines();
  return status;
}
