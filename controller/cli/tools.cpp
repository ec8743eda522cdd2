// The commands that take the place of InferenceMAX's Python tools, one for one.
#include <cstdlib>

#include "controller/cli/arguments.hpp"
#include "controller/cli/commands.hpp"
#include "controller/cli/print.hpp"
#include "controller/matrix/command.hpp"
#include "controller/report/command.hpp"

namespace sweep::cli {

namespace {

std::optional<std::string> from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

}  // namespace

int matrix_command(const Arguments& arguments) {
  return give(matrix::run_matrix_command(arguments));
}

int process_result_command(const Arguments& arguments) {
  CLI::App app(
      "Reads $RESULT_FILENAME.json, which a serving client left, prints the processed result and writes it "
      "to\n"
      "agg_$RESULT_FILENAME.json. All it needs comes in the environment: RESULT_FILENAME, RUNNER_TYPE,\n"
      "FRAMEWORK, PRECISION, TP, EP_SIZE, DP_ATTENTION, and where they apply MTP_MODE, PREFILL_GPUS,\n"
      "DECODE_GPUS.",
      "sweepctl process-result");
  if (const auto status = parse(app, arguments)) return *status;
  return give(report::run_process_result(from_environment));
}

int collect_command(const Arguments& arguments) {
  CLI::App app("Writes agg_EXP.json in this directory: every JSON file below DIR in one list, by path.",
               "sweepctl collect");
  std::string directory, exp_name;
  add_directory(app, directory, "where to look for *.json");
  add_exp_name(app, exp_name);
  if (const auto status = parse(app, arguments)) return *status;
  return give(report::run_collect(directory, exp_name));
}

int summarize_command(const Arguments& arguments) {
  CLI::App app(
      "Prints the processed results below DIR as a Markdown table: median TTFT, TPOT, interactivity and "
      "E2EL,\n"
      "throughput per GPU; sorted by model, hardware, framework, precision, TP, EP and concurrency.",
      "sweepctl summarize");
  std::string directory;
  bool json = false;
  add_directory(app, directory, "where to look for processed results (agg_*.json)");
  app.add_flag("--json", json, "as a JSON array, times in seconds");
  if (const auto status = parse(app, arguments)) return *status;
  return give(report::run_summarize(directory, json));
}

int plot_command(const Arguments& arguments) {
  CLI::App app(
      "Draws throughput per GPU over end-to-end latency and over interactivity, with the Pareto frontier of\n"
      "each hardware and framework: two PNG files per model family in this directory,\n"
      "tput_vs_e2el_<family>_EXP.png and tput_vs_intvty_<family>_EXP.png.",
      "sweepctl plot");
  std::string directory, exp_name;
  add_directory(app, directory, "where to look for processed results (agg_*.json)");
  add_exp_name(app, exp_name);
  if (const auto status = parse(app, arguments)) return *status;
  return give(report::run_plot(directory, exp_name));
}

}  // namespace sweep::cli
