// sweepctl: expands the matrix, runs the controller, aggregates results. This file is its table of contents.
#include <array>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "controller/cli/commands.hpp"
#include "controller/cli/print.hpp"
#include "proto/base/text.hpp"

namespace sweep::cli {
namespace {

struct Command {
  std::string_view name;
  std::string_view help;
  int (*run)(const Arguments&);
};

constexpr std::array<Command, 11> kCommands = {{
    {"run", "run a sweep here, or on all nodes of the Slurm allocation this is called in", run_command},
    {"check", "say what a sweep would do, and what is wrong with its configuration", check_command},
    {"status", "how far a sweep is, live or after its end", status_command},
    {"aggregate", "write results, table and plots of a sweep's directory again", aggregate_command},
    {"matrix", "print the benchmark matrix of configuration files as JSON", matrix_command},
    {"process-result", "one result of a serving client into a processed one (takes the environment)",
     process_result_command},
    {"collect", "all JSON files below a directory into one", collect_command},
    {"summarize", "the table of the processed results below a directory", summarize_command},
    {"plot", "throughput per GPU over latency and interactivity, as PNG files", plot_command},
    {"pareto", "the results that no other one beats in throughput and interactivity, as a table",
     pareto_command},
    {"serve", "the controller of one srun; started by the Slurm plugin", serve_command},
}};

void print_help() {
  std::string out =
      "Usage: sweepctl COMMAND [ARG]...\n"
      "Inference benchmark sweeps on Slurm GPU clusters. With the plugin installed, the main command is\n"
      "  srun OPTIONS --sweep-config=FILE[,FILE] [--sweep-select=ARGS] [--sweep-output=DIR] "
      "[--sweep-profile=FILE] BENCHMARK\n"
      "\nCommands (sweepctl COMMAND --help tells more):\n";
  for (const Command& command : kCommands) {
    out += "  " + std::string(command.name) + std::string(16 - command.name.size(), ' ') +
           std::string(command.help) + "\n";
  }
  print_out(out);
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
  if (all.empty()) {
    print_help();
    return 2;
  }
  const std::string& name = all.front();
  if (name == "--help" || name == "-h" || name == "help") return print_help(), 0;
  if (name == "--version" || name == "-V") return print_out("sweepctl " SWEEP_VERSION "\n"), 0;
  for (const Command& command : kCommands) {
    if (command.name == name) return command.run(Arguments(all.begin() + 1, all.end()));
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
