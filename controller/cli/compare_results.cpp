// sweepctl compare-results: records beside the newest earlier ones of the same configuration.
#include <cstdlib>
#include <optional>
#include <string>

#include "controller/cli/arguments.hpp"
#include "controller/cli/commands.hpp"
#include "controller/cli/print.hpp"
#include "controller/compare/command.hpp"
#include "util/command_line.hpp"

namespace sweep::cli {

namespace {

constexpr const char* kCompareResults =
    "Compares the processed results of InferenceX below DIR with earlier ones: for each, the newest of branch "
    "main without an error that has the same hardware, framework, precision, speculative decoding, "
    "parallelism, lengths and concurrency, and a model that begins with the result's model prefix. Prints a "
    "Markdown table with each metric and its change. Agentic results are left out. Replaces "
    "compare_results.py.";

constexpr const char* kCompareResultsClosing = R"(Exit status:
  0  the results were compared, or there are none
  1  a file is not a processed result of InferenceX or cannot be read (the
     others are compared); or the earlier results cannot be read
  2  wrong usage

Environment:
  DATABASE_URL  where the earlier results are (required):
                postgresql://user:password@host/database: psql is run with one
                read-only query; or file:FILE, a JSON array of objects with
                hardware, framework, model, precision, spec_method, disagg,
                is_multinode, prefill_tp, prefill_ep, prefill_dp_attention,
                decode_tp, decode_ep, decode_dp_attention, isl, osl, conc,
                date, head_branch, error and metrics

Examples:
    DATABASE_URL=file:baseline.json sweepctl compare-results records/
)";

constexpr const char* kComparisonToolsUsage = "Usage: python compare_results.py <results_dir>\n";

}  // namespace

int compare_results_command(const Arguments& arguments) {
  CommandLine app("sweepctl compare-results", kCompareResults, kCompareResultsClosing);
  std::string directory;
  add_directory(app, directory, "directory of processed results (agg_*.json)");
  if (arguments.empty()) {
    print_error("compare-results needs DIR; see sweepctl compare-results --help");
    static_cast<void>(print_out(kComparisonToolsUsage));
    return 1;
  }
  if (const auto status = app.parse(arguments)) return *status;
  const char* url = std::getenv("DATABASE_URL");
  const auto compared = compare::run_compare_results(
      directory, url == nullptr ? std::nullopt : std::optional<std::string>(url));
  print_lines(compared.log);
  return print_output(compared.output);
}

}  // namespace sweep::cli
