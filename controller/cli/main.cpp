// sweepctl: expands the matrix, runs the controller, aggregates results. This file lists the commands.
#include <array>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "controller/cli/commands.hpp"
#include "controller/cli/print.hpp"
#include "util/help_layout.hpp"
#include "util/os/process.hpp"
#include "util/os/signals.hpp"
#include "util/os/standard_streams.hpp"
#include "util/text.hpp"

namespace sweep::cli {
namespace {

/// The groups in which the help lists the commands.
enum class Group : std::uint8_t { Run, Look, Tools, Plugin };
constexpr std::array<std::string_view, 4> kGroups = {
    "Commands that run sweeps:", "Commands that show sweeps and results:",
    "Commands that replace tools of InferenceMAX and InferenceX:", "Started by the Slurm plugin:"};

struct Command {
  std::string_view name;
  std::string_view help;
  int (*run)(const Arguments&);
  Group group;
};

constexpr std::array<Command, 25> kCommands = {{
    {"run", "run a sweep in the Slurm allocation, or on this machine", run_command, Group::Run},
    {"check", "list the points of a sweep, or report errors", check_command, Group::Run},
    {"cancel", "stop a running sweep; finished points are kept", cancel_command, Group::Run},
    {"profile", "print the effective profile, or check what it requires", profile_command, Group::Run},
    {"images", "list or remove staged container images", images_command, Group::Run},
    {"script", "export a recipe as a standalone script", script_command, Group::Run},
    {"status", "print the state of a running or finished sweep", status_command, Group::Look},
    {"logs", "print or follow the output of a point", logs_command, Group::Look},
    {"aggregate", "write collections, summary and plots of a sweep again", aggregate_command, Group::Look},
    {"pareto", "print the results on the Pareto frontier", pareto_command, Group::Look},
    {"summarize", "print processed results as a table", summarize_command, Group::Look},
    {"plot", "plot throughput per GPU over latency and interactivity", plot_command, Group::Look},
    {"matrix", "print the matrix of configuration files as JSON", matrix_command, Group::Tools},
    {"process-changelog", "print the jobs for which a changelog asks", process_changelog_command,
     Group::Tools},
    {"ci-priority", "add priorities to the jobs of a matrix", ci_priority_command, Group::Tools},
    {"process-result", "process one result of a serving client", process_result_command, Group::Tools},
    {"aggregate-power", "write power and energy into a processed result", aggregate_power_command,
     Group::Tools},
    {"process-agentic", "process the files of an agentic run", process_agentic_command, Group::Tools},
    {"validate-agentic", "check how many requests of an agentic run failed", validate_agentic_command,
     Group::Tools},
    {"collect", "collect all JSON files below a directory into one", collect_command, Group::Tools},
    {"collect-evals", "collect the scores of evaluations into a table and a file", collect_evals_command,
     Group::Tools},
    {"validate-scores", "compare the scores of an evaluation with thresholds", validate_scores_command,
     Group::Tools},
    {"compare-results", "compare processed results with earlier ones", compare_results_command, Group::Tools},
    {"success-rate", "count the successful jobs of a GitHub run by hardware", success_rate_command,
     Group::Tools},
    {"serve", "run the controller of one srun", serve_command, Group::Plugin},
}};

constexpr const char* kDescription =
    "Runs inference benchmark sweeps on Slurm GPU clusters. A matrix of models, sequence lengths (ISL/OSL), "
    "parallelism (TP, EP) and concurrencies is expanded into points; each point is one run of a benchmark. "
    "The result is throughput per GPU over latency and interactivity.\n\n"
    "With the Slurm plugin, a sweep is one srun command (see man sweep-config):\n\n"
    "  srun OPTIONS --sweep-config=FILE[,FILE] [--sweep-select=ARGS]\n"
    "       [--sweep-output=DIR] [--sweep-profile=FILE] [--sweep-repeat=N]\n"
    "       [--sweep-resume=auto] BENCHMARK [ARG]...\n\n"
    "Resume a sweep that was interrupted; finished points are kept:\n\n"
    "  srun OPTIONS --sweep-resume --sweep-output=DIR [--sweep-config=FILE]\n"
    "       [--sweep-retry-failed] [--sweep-accept-changes] BENCHMARK [ARG]...";

constexpr const char* kClosing = R"(Exit status:
  0    success; for a sweep: every point is done and its result is valid
  1    failed or incomplete
  2    wrong usage
  3    run, status: every point is done, but not every result is valid
  128+N
       stopped by signal N

Files:
  /etc/slurm-sweep/profile.yaml
                       the site's profile: how benchmarks run here
  ~/.config/slurm-sweep/profile.yaml
                       the user's profile; overrides the site's

Examples:
    sweepctl check nvidia-master.yaml --select '--runner-type b200'
    salloc -N4 --gpus-per-node=8 --exclusive \
      sweepctl run nvidia-master.yaml --select '--runner-type b200' \
      -- ./bench.sh
    sweepctl pareto results_dsr1_1k1k_20261124_222153
)";

std::string help_text() {
  std::string out = "Usage: sweepctl COMMAND [ARG]...\n\n" + filled(kDescription);
  for (std::size_t group = 0; group < kGroups.size(); ++group) {
    out += "\n" + std::string(kGroups[group]) + "\n";
    for (const Command& command : kCommands) {
      if (command.group == static_cast<Group>(group))
        out += help_entry("  " + std::string(command.name), command.help);
    }
  }
  out += "\nOptions:\n" +
         help_entry("  -h, --help", "show this help and exit (COMMAND --help: that of a command)") +
         help_entry("  -V, --version", "show the version and exit") + "\n" + filled(kClosing);
  return out;
}

int wrong_command(const std::string& name) {
  std::vector<std::string> names;
  for (const Command& command : kCommands)
    names.emplace_back(command.name);
  const auto close = nearest(name, names);
  print_error("unknown command '" + name + "'" +
              (close ? "; did you mean " + *close + "?" : "; see sweepctl --help"));
  return 2;
}

int dispatch(const Arguments& all) {
  if (all.empty()) return print_lines(help_text()), 2;
  const std::string& name = all.front();
  Arguments rest(all.begin() + 1, all.end());
  if (name == "--help" || name == "-h" || name == "help") {
    if (rest.empty()) return print_out(help_text());
    rest.push_back("--help");  // sweepctl help COMMAND is sweepctl COMMAND --help
    return dispatch(rest);
  }
  if (name == "--version" || name == "-V") return print_out("sweepctl " SWEEP_VERSION "\n");
  for (const Command& command : kCommands) {
    if (command.name == name) return command.run(rest);
  }
  return wrong_command(name);
}

}  // namespace
}  // namespace sweep::cli

int main(int argc, char** argv) {
  sweep::open_standard_streams();
  sweep::set_standard_dispositions();
  try {
    sweep::forbid_core_files();
    return sweep::cli::dispatch({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    sweep::cli::print_error(error.what());
    return 1;
  }
}
