// sweepctl: expands the matrix, runs the controller, aggregates results. This file is its table of contents.
#include <array>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "controller/cli/commands.hpp"
#include "controller/cli/print.hpp"
#include "util/help_layout.hpp"
#include "util/text.hpp"

namespace sweep::cli {
namespace {

struct Command {
  std::string_view name;
  std::string_view help;
  int (*run)(const Arguments&);
};

constexpr std::array<Command, 15> kCommands = {{
    {"run", "run a sweep in the Slurm allocation, or on this machine", run_command},
    {"check", "list the points of a sweep, or say what is wrong", check_command},
    {"status", "say how far a sweep is, live or after its end", status_command},
    {"cancel", "end a live sweep; what is done is kept", cancel_command},
    {"aggregate", "make collection, table and plots of a sweep again", aggregate_command},
    {"matrix", "print the matrix of configuration files as JSON", matrix_command},
    {"process-result", "turn a serving client's result into a processed one", process_result_command},
    {"collect", "put all JSON files below a directory into one", collect_command},
    {"summarize", "print processed results as a table", summarize_command},
    {"plot", "draw throughput per GPU over latency and interactivity", plot_command},
    {"pareto", "print the results on the Pareto frontier", pareto_command},
    {"images", "list the staged container images, or remove some", images_command},
    {"profile", "print the merged profile, or check what it asks for", profile_command},
    {"script", "print a recipe as one script with a server of its own", script_command},
    {"serve", "the controller of one srun", serve_command},
}};
constexpr std::string_view kForThePlugin = "serve";

constexpr const char* kDescription =
    "Inference benchmark sweeps on Slurm GPU clusters: a matrix of models, lengths (ISL/OSL), parallelism "
    "(TP, "
    "EP) and concurrencies becomes points, each point one run of a benchmark, and what comes out is "
    "throughput "
    "per GPU against latency and interactivity.\n\n"
    "With the Slurm plugin, a sweep is one srun (man sweep-config):\n\n"
    "  srun OPTIONS --sweep-config=FILE[,FILE] [--sweep-select=ARGS]\n"
    "       [--sweep-output=DIR] [--sweep-profile=FILE] BENCHMARK [ARG]...\n\n"
    "One that was cut short goes on, with what is done kept:\n\n"
    "  srun OPTIONS --sweep-resume --sweep-output=DIR [--sweep-config=FILE]\n"
    "       [--sweep-retry-failed] [--sweep-accept-changes] BENCHMARK [ARG]...";

constexpr const char* kClosing = R"(Exit status:
  0    done: for a sweep, every point
  1    not done, or not all of it
  2    wrong usage
  128+N
       stopped by signal N

Files:
  /etc/slurm-sweep/profile.yaml
                       how benchmarks run at this site
  ~/.config/slurm-sweep/profile.yaml
                       the user's own, over the site's

Examples:
    sweepctl check nvidia-master.yaml --select '--seq-lens 1k1k'
    salloc -N4 --gpus-per-node=8 \
      sweepctl run nvidia-master.yaml -- ./bench.sh
    sweepctl pareto results_dsr1_1k1k_20261124_222153
)";

std::string help_text() {
  std::string out = "Usage: sweepctl COMMAND [ARG]...\n\n" + filled(kDescription);
  out += "\nCommands:\n";
  std::string plugin;
  for (const Command& command : kCommands)
    (command.name == kForThePlugin ? plugin : out) +=
        help_entry("  " + std::string(command.name), command.help);
  out += "\nStarted by the Slurm plugin:\n" + plugin + "\nOptions:\n" +
         help_entry("  -h, --help", "show this help, with a COMMAND its own, and exit") +
         help_entry("  -V, --version", "show the version and exit") + "\n" + filled(kClosing);
  return out;
}

int wrong_command(const std::string& name) {
  std::vector<std::string> names;
  for (const Command& command : kCommands)
    names.emplace_back(command.name);
  const auto close = nearest(name, names);
  print_error("there is no command '" + name + "'" +
              (close ? "; did you mean " + *close + "?" : "; sweepctl --help lists them"));
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
  try {
    return sweep::cli::dispatch({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    sweep::cli::print_error(error.what());
    return 1;
  }
}
