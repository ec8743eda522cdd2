// sweepctl collect-evals and validate-scores: the results of evaluations.
#include <algorithm>
#include <string>

#include "controller/cli/arguments.hpp"
#include "controller/cli/commands.hpp"
#include "controller/cli/print.hpp"
#include "controller/evals/collect_command.hpp"
#include "controller/evals/validate_command.hpp"
#include "util/command_line.hpp"
#include "util/text.hpp"

namespace sweep::cli {

namespace {

constexpr const char* kCollectEvals =
    "Collects the results of evaluations (lm-eval) in DIR and its direct subdirectories that have a "
    "meta_env.json: prints a Markdown table of the scores and writes them to agg_eval_EXP.json in the working "
    "directory. Of several results in one directory, the newest is used; of a batch (eval_concs in "
    "meta_env.json), the newest for each completed concurrency. Replaces collect_eval_results.py.";

constexpr const char* kCollectEvalsClosing = R"(Exit status:
  0  the scores were collected
  1  a results*.json could not be read, so its scores are missing (the others
     are collected); or DIR or EXP is missing
  2  wrong usage

Files:
  agg_eval_EXP.json  the scores, one object for each task

Examples:
    sweepctl collect-evals eval_results/ all >> "$GITHUB_STEP_SUMMARY"
    jq 'map(select(.score < 0.9)) | length' agg_eval_all.json
)";

// The tool's own words; sweepctl prints them where the tool does.
constexpr const char* kToolsUsage =
    "Usage: collect_eval_results.py <results_dir> <exp_name> [sort_by: model_prefix|hw]\n";

constexpr const char* kValidateScores =
    "Compares the scores of an evaluation (lm-eval) with thresholds: prints a line PASS or FAIL for each "
    "metric. The threshold of a task is the model's in the thresholds file, else the file's default, else "
    "--min-score. If meta_env.json lists concurrencies (eval_concs), every one must have a result. Options may "
    "be abbreviated. Replaces validate_scores.py.";

constexpr const char* kValidateScoresClosing = R"(Exit status:
  0  every score is high enough
  1  a score is too low or missing, a file cannot be read, or nothing was
     compared
  2  wrong usage

Environment:
  MODEL_PREFIX  model prefix, if neither --model-prefix nor --meta-env has it

Examples:
    sweepctl validate-scores --thresholds utils/evals/thresholds.yaml
    sweepctl validate-scores --expected-concs '16 64' --min-score 0.9
)";

bool is_option(const std::string& argument) {
  return argument.starts_with('-');
}

}  // namespace

int collect_evals_command(const Arguments& arguments) {
  CommandLine app("sweepctl collect-evals", kCollectEvals, kCollectEvalsClosing);
  std::string directory, exp_name, order = "model_prefix";
  add_directory(app, directory, "directory of evaluations");
  add_exp_name(app, exp_name);
  app.option("ORDER", order, "model_prefix (default) or hw: what the table is sorted by first")
      .value("")
      .usage("[ORDER]");
  if (arguments.size() < 2 && std::none_of(arguments.begin(), arguments.end(), is_option)) {
    print_error("collect-evals needs DIR and EXP; see sweepctl collect-evals --help");
    static_cast<void>(print_out(kToolsUsage));
    return 1;
  }
  if (const auto status = app.parse(arguments)) return *status;
  if (order != "model_prefix" && order != "hw")
    print_error("warning: unknown order '" + order + "'; sorted by model_prefix (known: model_prefix, hw)");
  return print_output(evals::run_collect_evals(
      directory, exp_name, order == "hw" ? evals::EvalOrder::Hardware : evals::EvalOrder::ModelPrefix));
}

int validate_scores_command(const Arguments& arguments) {
  CommandLine app("sweepctl validate-scores", kValidateScores, kValidateScoresClosing);
  app.like_argparse();
  evals::ValidateOptions options;
  std::string thresholds, expected;
  app.option("--min-score", options.min_score, "least score of a task without a threshold (default: 0.85)")
      .value("SCORE");
  app.option("--thresholds", thresholds,
             "YAML or JSON file of thresholds (default: utils/evals/thresholds.yaml if it exists)")
      .value("FILE");
  app.option("--meta-env", options.meta_env, "file that describes the evaluation (default: meta_env.json)")
      .value("FILE");
  app.option("--model-prefix", options.model_prefix, "model prefix (default: that of --meta-env)")
      .value("PREFIX");
  app.option("--metric-prefix", options.metric_prefix,
             "compare only metrics whose name begins with PREFIX (default: 'exact_match,')")
      .value("PREFIX");
  app.option("--results-glob", options.results_glob,
             "shell pattern of the result files (default: results*.json)")
      .value("PATTERN");
  app.option("--expected-concs", expected, "concurrencies that must have results, separated by blanks")
      .value("LIST");
  if (const auto status = app.parse(arguments)) return *status;
  if (app.given("--thresholds")) options.thresholds = thresholds;
  if (app.given("--expected-concs")) options.expected_concs = expected;
  options.environment_prefix = variable("MODEL_PREFIX");
  const evals::ValidateOutput output = evals::run_validate_scores(options);
  int printed = 0;
  for (const auto& line : output.lines) {
    if (line.is_error) {
      print_lines(printable(line.text) + "\n");
    } else {
      printed = std::max(printed, print_out(line.text + "\n"));
    }
  }
  return std::max(output.status, printed);
}

}  // namespace sweep::cli
