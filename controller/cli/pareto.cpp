// sweepctl pareto: prints the Pareto frontier as a table.
#include "controller/cli/arguments.hpp"
#include "controller/cli/commands.hpp"
#include "controller/cli/print.hpp"
#include "controller/io/gather.hpp"
#include "controller/report/command.hpp"
#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep::cli {

namespace {

constexpr const char* kParetoDescription =
    "Prints the Pareto frontier of the processed results below DIR: the results that no other result of the "
    "same experiment, model, hardware and framework beats in both throughput per GPU and interactivity (with "
    "--x median_e2el: end-to-end latency, E2EL). Every other setting is worse for the operator, the user or "
    "both.\n\nThe experiment of a result is taken from its sweep's journal, or from its file name if that is "
    "agg_RESULT_FILENAME.json and agrees with the content. Results whose experiment is unknown are compared "
    "with each other, so keep results of different sequence lengths in different folders.";

constexpr const char* kParetoClosing = R"(Exit status:
  0  the frontier was printed
  1  a file is invalid (the others are used), or no valid results were found
  2  wrong usage

Examples:
  One frontier per hardware and framework:
    sweepctl pareto results_dsr1_1k1k_20261124_222153
  One frontier per GPU type, against latency:
    sweepctl pareto --x median_e2el --by hw results/
  TP and concurrency of the point with the highest throughput per GPU:
    sweepctl pareto --by '' --json results/ |
      jq 'max_by(.tput_per_gpu) | {tp, conc}'
)";

/// Reads results as aggregate does: a sweep's journal has the experiments, which agg files do not.
Expected<Gathered> results_in(const std::string& directory) {
  SWEEP_TRY(check_results_directory(directory));
  return gather(plain_path(directory));
}

std::vector<std::string> words(std::span<const std::string_view> names) {
  return {names.begin(), names.end()};
}

}  // namespace

int pareto_command(const Arguments& arguments) {
  CommandLine app("sweepctl pareto", kParetoDescription, kParetoClosing);
  report::ParetoOptions options;
  std::string metric = std::string(report::metric_key(options.metric)), by = join(options.by, ",");
  add_sweep_directory(app, options.directory, "directory of processed results (agg_*_conc*.json)");
  app.option(
         "--x", metric,
         "metric to compare with throughput: interactivity (default; higher is better) or end-to-end latency "
         "(lower is better)")
      .value("METRIC")
      .usage("{median_intvty,median_e2el}")
      .one_of({"median_intvty", "median_e2el"});
  app.option("--by", by,
             "make one frontier for each combination of these keys' values (default: hw,framework; '': one "
             "frontier per model)")
      .value("KEYS")
      .usage("{" + join(words(report::group_keys()), ",") + "}[,...]");
  app.flag("--json", options.json, "print a JSON array; times are in seconds");
  if (const auto status = app.parse(arguments)) return *status;
  options.metric = report::metric_of(metric).value_or(options.metric);
  options.by = by.empty() ? std::vector<std::string>{} : split(by, ',');
  for (const std::string& key : options.by) {
    const auto known = words(report::group_keys());
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    return print_error("--by: unknown key '" + key + "'; known: " + join(known, ", ")), 2;
  }
  const auto all = results_in(options.directory);
  if (!all) return print_error(all.error().message), 1;
  for (const std::string& problem : all->problems)
    print_error(problem);
  for (const std::string& note : all->notes)
    print_error(note);
  const int status = print_output(report::pareto_output(all->results, options));
  return all->problems.empty() ? status : 1;
}

}  // namespace sweep::cli
