// sweepctl pareto: the points that are worth running, as a table.
#include "controller/cli/arguments.hpp"
#include "controller/cli/commands.hpp"
#include "controller/cli/print.hpp"
#include "controller/report/command.hpp"
#include "proto/base/text.hpp"

namespace sweep::cli {

namespace {

std::vector<std::string> words(std::span<const std::string_view> names) {
  return {names.begin(), names.end()};
}

}  // namespace

int pareto_command(const Arguments& arguments) {
  CLI::App app(
      "Prints the Pareto frontier of the processed results below DIR: those that no other result of the "
      "same\n"
      "model, hardware and framework beats both in throughput per GPU and in interactivity (or latency).",
      "sweepctl pareto");
  report::ParetoOptions options;
  std::string metric = std::string(report::metric_key(options.metric)), by = join(options.by, ",");
  add_directory(app, options.directory, "where to look for processed results (agg_*.json)");
  app.add_option("--x", metric,
                 "what throughput is traded against: median_intvty (interactivity, more is better; the "
                 "default)\nor median_e2el (end-to-end latency, less is better)")
      ->type_name("METRIC")
      ->check(CLI::IsMember({"median_intvty", "median_e2el"}));
  app.add_option("--by", by,
                 "one frontier for each value of these, of " + join(words(report::group_keys()), ", ") +
                     "\n(default: hw,framework; '' for one frontier per model)")
      ->type_name("KEYS");
  app.add_flag("--json", options.json, "as a JSON array, times in seconds");
  if (const auto status = parse(app, arguments)) return *status;
  options.metric = report::metric_of(metric).value_or(options.metric);
  options.by = by.empty() ? std::vector<std::string>{} : split(by, ',');
  for (const std::string& key : options.by) {
    const auto known = words(report::group_keys());
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    return print_error("--by: '" + key + "' is none of " + join(known, ", ")), 2;
  }
  return give(report::run_pareto(options));
}

}  // namespace sweep::cli
