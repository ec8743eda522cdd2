// sweep-agent: takes the place of a Slurm task, or is a child of `sweepctl run`, and runs the benchmarks that
// the controller leases to it. What it does: core/agent.hpp. How: io/driver.hpp.
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "agent/io/driver.hpp"
#include "agent/io/leftovers.hpp"
#include "agent/io/own_secret.hpp"
#include "agent/io/sampler.hpp"
#include "container/io/overlay.hpp"
#include "container/io/scoped_folders.hpp"
#include "container/io/stage.hpp"
#include "container/io/supervise.hpp"
#include "proto/base/env_names.hpp"
#include "util/os/process.hpp"
#include "util/text.hpp"

namespace {

constexpr const char* kHelp = R"(Usage: sweep-agent [OPTION]... [-- BENCHMARK [ARG]...]

Takes part in a sweep: runs BENCHMARK once for each point that the controller
leases to it, with the point in the environment, and hands the result to the
controller. Without BENCHMARK, the one that the sweep's profile names.

People need not start it. srun --sweep-config=FILE has it take the place of
each task of the step, sweepctl run starts it through srun or as a child; the
controller's address and keys come in its environment. As the command of
srun --sweep-config=FILE, sweep-agent alone means: the profile's benchmark.

Options:
  -h, --help            show this help and exit
  -V, --version         show the version and exit
  --telemetry [GPU,... [EVERY_MS]]
                        print what the NVIDIA GPUs say (power, clocks, heat,
                        memory, processes) as lines of JSON, every second,
                        until nobody reads; the agent starts itself like this
  --tidy                end containers whose agents are dead, remove what they
                        have left on this node, and end what attempts of this
                        very step have left running; the plugin does it at the
                        end of a step. (--stage, --contain and --overlay are
                        how the agent starts itself around containers)

Exit status:
  0    every point of the sweep is done
  1    not every point is done, or the agent was stopped
  2    wrong usage, or the controller's address and keys are missing

Environment:
  SLURM_SWEEP_ENDPOINT, SLURM_SWEEP_SERVER_KEY, SLURM_SWEEP_CLIENT_SECRET
       where the controller is and how to speak to it; taken out of the
       environment at once, benchmarks do not see them
  CUDA_VISIBLE_DEVICES, ROCR_VISIBLE_DEVICES, HIP_VISIBLE_DEVICES
       the GPUs that the agent has; with packing by GPU each benchmark gets its
       own part of them

Signals:
  SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2
       running benchmarks are stopped and reported as preempted, which costs
       their points no retry; a second one kills them. The warning that
       srun --signal=USR1@60 asks for is one of them

Files:
  $TMPDIR/slurm-sweep-UID/ (else in /tmp)
       how attempts ended, with their results, until the controller has
       acknowledged them; what an agent leaves there, the next agent of the
       sweep on this node hands in. The profile's spool: names another place

Examples:
  The benchmarks that the profile names, on four nodes of eight GPUs:
    srun -N4 --ntasks-per-node=1 --gpus-per-node=8 \
      --sweep-config=nvidia-master.yaml --sweep-profile=site.yaml \
      sweep-agent
)";

constexpr int kUsage = 2;

int telemetry(const std::vector<std::string>& words) {
  using namespace sweep::agent;
  const auto settings = sampler_settings(words, sweep::own_environment());
  if (settings) return sample_gpus(*settings);
  print_line(settings.error().message);
  return kUsage;
}

using Helper = int (*)(const std::vector<std::string>&);

/// What the agent starts itself for, around containers.
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
    // First those that are still at it: what they leave is for the second.
    const int ended = sweep::agent::end_left_behind(sweep::own_environment(), kPatience);
    for (const container::RemovedContainer& left : container::remove_abandoned_containers(sweep::own_environment()))
      sweep::agent::print_line(left.line);
    if (ended > 0)
      sweep::agent::print_line("ended " + std::to_string(ended) +
                               " that attempts of this step had left running");
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
  if (const auto helper = helper_of(first)) return helper({words.begin() + 1, words.end()});
  if (first == "--telemetry") return telemetry({words.begin() + 1, words.end()});
  if (first != "--") {
    print_line("unknown argument '" + sweep::printable(first) + "': the command stands after --; see --help");
    return kUsage;
  }
  // The job's, which need not be inside; /tmp is.
  if (std::getenv(SWEEP_ENV_LOADER) != nullptr) ::unsetenv("TMPDIR");
  const auto access = take_access();
  if (!access) {
    print_line(access.error().message);
    return kUsage;
  }
  const std::size_t head = words.empty() ? 0 : 1;
  return take_part(*access,
                   make_setup(*access, {words.begin() + static_cast<std::ptrdiff_t>(head), words.end()}));
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    sweep::agent::print_line("internal error: " + std::string(error.what()));
    return 1;
  }
}
