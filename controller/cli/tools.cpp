// The commands that replace the Python tools which InferenceMAX has had from the start, one for one.
#include "controller/cli/arguments.hpp"
#include "controller/cli/commands.hpp"
#include "controller/cli/print.hpp"
#include "controller/matrix/command.hpp"
#include "controller/report/command.hpp"
#include "util/json.hpp"

namespace sweep::cli {

namespace {

constexpr const char* kCollect =
    "Writes the content of every JSON file below DIR, in path order, as one list to agg_EXP.json in the "
    "working directory. Replaces collect_results.py.";

constexpr const char* kCollectClosing = R"(Exit status:
  0  the collection was written
  1  a file could not be read (the others are collected), or not written
  2  wrong usage

Files:
  agg_EXP.json  the collection; every JSON file below DIR is collected except
                this one (for a sweep's results use sweepctl aggregate)

Examples:
    sweepctl collect results/ dsr1_1k1k
    jq length agg_dsr1_1k1k.json
)";

constexpr const char* kSummarize =
    "Prints the processed results below DIR as a Markdown table: median TTFT and TPOT in milliseconds, "
    "interactivity in tokens/s per user, E2EL in seconds, throughput per GPU (total, output, input) in "
    "tokens/s. Rows are sorted by model, hardware, framework, precision, TP, EP and concurrency. Replaces "
    "summarize.py.";

constexpr const char* kSummarizeClosing = R"(Exit status:
  0  the table was printed
  1  a file is invalid (the others are used), or no file is a processed
     result
  2  wrong usage

Examples:
    sweepctl summarize results/ >> "$GITHUB_STEP_SUMMARY"
  The highest concurrency with a median interactivity above 50:
    sweepctl summarize --json results/ |
      jq 'map(select(.median_intvty > 50)) | max_by(.conc) | .conc'
)";

constexpr const char* kPlot =
    "Plots the processed results below DIR: throughput per GPU over end-to-end latency (E2EL) and over "
    "interactivity. Writes two PNG files for each model family into the working directory and prints their "
    "names. Each combination of hardware and framework has its own colour and Pareto frontier; a second "
    "framework on the same hardware has another shade and dashed lines. Points are labelled with TP, on the "
    "frontier also with concurrency. An axis is logarithmic if its largest value is at least 15 times its "
    "smallest. Needs gnuplot. Replaces plot_perf.py.";

constexpr const char* kPlotClosing = R"(Exit status:
  0  the plots were written, or there were no files to plot
  1  a file is invalid (the others are plotted), or gnuplot is missing or
     failed
  2  wrong usage

Files:
  tput_vs_e2el_FAMILY_EXP.png    over end-to-end latency, in seconds
  tput_vs_intvty_FAMILY_EXP.png  over interactivity, in tokens/s per user

Examples:
  Write tput_vs_e2el_dsr1_1k1k.png and tput_vs_intvty_dsr1_1k1k.png:
    sweepctl plot results_dsr1_1k1k_20261124_222153 1k1k
)";

}  // namespace

int print_output(const report::CommandOutput& output) {
  const int printed = print_out(output.out);
  print_errors(output.err);
  return output.status != 0 ? output.status : printed;
}

int matrix_command(const Arguments& arguments) {
  const auto output = matrix::run_matrix_command(arguments);
  const int printed = print_out(output.out);
  print_lines(output.err);
  return output.status != 0 ? output.status : printed;
}

int collect_command(const Arguments& arguments) {
  CommandLine app("sweepctl collect", kCollect, kCollectClosing);
  std::string directory, exp_name;
  add_directory(app, directory, "directory of JSON files");
  add_exp_name(app, exp_name);
  if (const auto status = app.parse(arguments)) return *status;
  return print_output(report::run_collect(directory, exp_name));
}

int summarize_command(const Arguments& arguments) {
  CommandLine app("sweepctl summarize", kSummarize, kSummarizeClosing);
  std::string directory;
  bool json = false;
  add_directory(app, directory, "directory of processed results (agg_*_conc*.json)");
  app.flag("--json", json, "print a JSON array; times are in seconds");
  if (const auto status = app.parse(arguments)) return *status;
  return print_output(report::run_summarize(directory, json));
}

int plot_command(const Arguments& arguments) {
  CommandLine app("sweepctl plot", kPlot, kPlotClosing);
  std::string directory, exp_name;
  add_directory(app, directory, "directory of processed results (agg_*_conc*.json)");
  add_exp_name(app, exp_name);
  if (const auto status = app.parse(arguments)) return *status;
  return print_output(report::run_plot(directory, exp_name));
}

}  // namespace sweep::cli
