// The commands that take the place of InferenceMAX's Python tools, one for one.
#include <cstdlib>

#include "controller/cli/commands.hpp"
#include "controller/cli/print.hpp"
#include "controller/matrix/command.hpp"
#include "controller/report/command.hpp"

namespace sweep::cli {

namespace {

template <class Output>
int give(const Output& output) {
  const int printed = print_out(output.out);
  print_lines(output.err);
  return output.status != 0 ? output.status : printed;
}

std::optional<std::string> from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

bool asks_for_help(const Arguments& arguments) {
  return !arguments.empty() && (arguments.front() == "--help" || arguments.front() == "-h");
}

}  // namespace

int matrix_command(const Arguments& arguments) {
  return give(matrix::run_matrix_command(arguments));
}

int process_result_command(const Arguments& arguments) {
  if (!arguments.empty()) {
    const bool help = asks_for_help(arguments);
    const std::string text =
        "Usage: sweepctl process-result   (all it needs comes in the environment)\n"
        "Reads $RESULT_FILENAME.json, prints the processed result and writes it to "
        "agg_$RESULT_FILENAME.json.\n"
        "Variables: RESULT_FILENAME RUNNER_TYPE FRAMEWORK PRECISION TP EP_SIZE DP_ATTENTION, and where they "
        "apply\n"
        "MTP_MODE PREFILL_GPUS DECODE_GPUS.\n";
    if (help) return print_out(text);
    print_lines(text);
    return 2;
  }
  return give(report::run_process_result(from_environment));
}

int collect_command(const Arguments& arguments) {
  if (asks_for_help(arguments)) {
    return print_out(
        "Usage: sweepctl collect DIR EXP\nWrites agg_EXP.json in this directory: every JSON file below DIR "
        "in one list.\n");
  }
  return give(report::run_collect(arguments));
}

int summarize_command(const Arguments& arguments) {
  if (asks_for_help(arguments)) {
    return print_out(
        "Usage: sweepctl summarize DIR\nPrints the processed results below DIR as a Markdown table: medians, "
        "sorted by model, hardware,\nframework, precision, TP, EP and concurrency.\n");
  }
  return give(report::run_summarize(arguments));
}

int plot_command(const Arguments& arguments) {
  if (asks_for_help(arguments)) {
    return print_out(
        "Usage: sweepctl plot DIR EXP\nDraws throughput per GPU over end-to-end latency and over "
        "interactivity, two PNG files per model family\nin this directory: tput_vs_e2el_<family>_EXP.png and "
        "tput_vs_intvty_<family>_EXP.png.\n");
  }
  return give(report::run_plot(arguments));
}

}  // namespace sweep::cli
