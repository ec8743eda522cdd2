// sweepctl pareto: the points that are worth running, as a table.
#include <filesystem>

#include "controller/cli/arguments.hpp"
#include "controller/cli/commands.hpp"
#include "controller/cli/print.hpp"
#include "controller/io/gather.hpp"
#include "controller/report/command.hpp"
#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep::cli {

namespace {

constexpr const char* kDescription =
    "Prints the Pareto frontier of the processed results below DIR: those that no other result of the same "
    "experiment, model, hardware and framework beats both in throughput per GPU and in interactivity (or, "
    "with --x median_e2el, in end-to-end latency, E2EL). They are the settings worth running; every other "
    "one gives less to the operator, the user or both.\n\nA result's experiment is known from its sweep's "
    "journal, or from the name of its file where that is agg_RESULT_FILENAME.json and agrees with what is in "
    "it. Results without one are held against each other: keep other sequence lengths in a folder of their "
    "own.";

constexpr const char* kClosing = R"(Exit status:
  0  the frontier is printed
  1  a file is bad (the rest is kept), or no result is left
  2  wrong usage

Examples:
  Per hardware and framework:
    sweepctl pareto results_dsr1_1k1k_20261124_222153
  One frontier for each GPU type, against latency:
    sweepctl pareto --x median_e2el --by hw results/
  TP and concurrency of the point with the highest throughput per GPU:
    sweepctl pareto --by '' --json results/ |
      jq 'max_by(.tput_per_gpu) | {tp, conc}'
)";

/// As aggregate takes them: a sweep's journal knows experiments, which agg files alone do not.
Expected<Gathered> results_in(const std::string& directory) {
  std::error_code code;
  if (!std::filesystem::is_directory(directory, code)) return fail("'" + directory + "' is no directory");
  return gather(plain_path(directory));
}

std::vector<std::string> words(std::span<const std::string_view> names) {
  return {names.begin(), names.end()};
}

}  // namespace

int pareto_command(const Arguments& arguments) {
  CommandLine app("sweepctl pareto", kDescription, kClosing);
  report::ParetoOptions options;
  std::string metric = std::string(report::metric_key(options.metric)), by = join(options.by, ",");
  add_directory(app, options.directory, "where to look for processed results (agg_*.json)");
  app.option("--x", metric,
             "what throughput is traded against: interactivity, where more is better (the default), or "
             "end-to-end latency, where less is")
      .value("METRIC")
      .usage("{median_intvty,median_e2el}")
      .one_of({"median_intvty", "median_e2el"});
  app.option("--by", by,
             "one frontier for each combination of the values of these (default: hw,framework; '' for one "
             "frontier per model)")
      .value("KEYS")
      .usage("{" + join(words(report::group_keys()), ",") + "}[,...]");
  app.flag("--json", options.json, "print a JSON array, times in seconds");
  if (const auto status = app.parse(arguments)) return *status;
  options.metric = report::metric_of(metric).value_or(options.metric);
  options.by = by.empty() ? std::vector<std::string>{} : split(by, ',');
  for (const std::string& key : options.by) {
    const auto known = words(report::group_keys());
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    return print_error("--by: '" + key + "' is none of " + join(known, ", ")), 2;
  }
  const auto all = results_in(options.directory);
  if (!all) return print_error(all.error().message), 1;
  for (const std::string& problem : all->problems)
    print_error(problem);
  for (const std::string& note : all->notes)
    print_error(note);
  const int status = give(report::pareto_output(all->results, options));
  return all->problems.empty() ? status : 1;
}

}  // namespace sweep::cli
