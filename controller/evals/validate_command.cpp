#include "controller/evals/validate_command.hpp"

#include <filesystem>

#include "controller/evals/batch.hpp"
#include "controller/evals/eval_files.hpp"
#include "controller/evals/scores.hpp"
#include "controller/python/number.hpp"
#include "controller/python/value.hpp"
#include "util/os/files.hpp"
#include "util/text.hpp"

namespace sweep::evals {

namespace {

using Json = nlohmann::ordered_json;

void say(ValidateOutput& output, std::string text) {
  output.lines.push_back({false, std::move(text)});
}

void warn(ValidateOutput& output, std::string text) {
  output.lines.push_back({true, "WARN: " + std::move(text)});
}

void fail_with(ValidateOutput& output, std::string text) {
  output.lines.push_back({true, "FAIL: " + std::move(text)});
  output.status = 1;
}

Expected<Thresholds> read_thresholds(const std::string& path) {
  SWEEP_ASSIGN(const std::string text, read_file(path, yaml::kMaxFileBytes));
  return Thresholds::parse(text);
}

// Returns the path of the thresholds; "" if there are none.
std::string thresholds_path(const ValidateOptions& options) {
  std::error_code ignored;
  if (options.thresholds) return *options.thresholds;
  return std::filesystem::exists(kDefaultThresholds, ignored) ? kDefaultThresholds : "";
}

Thresholds load_thresholds(const ValidateOptions& options, ValidateOutput& output) {
  const std::string path = thresholds_path(options);
  if (path.empty()) return {};
  auto thresholds = read_thresholds(path);
  if (thresholds) {
    say(output, "Loaded thresholds from " + printable(path));
    for (const std::string& note : thresholds->unknown_keys())
      warn(output, printable(path) + ", " + note);
    return std::move(*thresholds);
  }
  warn(output, "could not load thresholds from " + printable(path) + ": " +
                   printable(thresholds.error().message) + "; every task is compared with --min-score " +
                   python::repr(options.min_score) + ", correct the file or give --thresholds another one");
  return {};
}

std::string model_prefix(const ValidateOptions& options, const Expected<Json>& meta) {
  if (!options.model_prefix.empty()) return options.model_prefix;
  if (const Json* prefix = meta ? python::member(*meta, "infmax_model_prefix") : nullptr) {
    const std::string text = python::truth_of(*prefix) ? python::str_of(*prefix) : "";
    if (!text.empty() && text != "unknown") return text;
  }
  return options.environment_prefix == "unknown" ? "" : options.environment_prefix;
}

void say_prefix(const ScoreRules& rules, ValidateOutput& output) {
  const std::string prefix = "Model prefix: " + printable(rules.model_prefix);
  if (rules.model_prefix.empty()) {
    say(output, prefix + "<unknown> (using global default thresholds)");
  } else if (rules.thresholds.has_model(rules.model_prefix)) {
    say(output, prefix + " (per-model thresholds apply)");
  } else {
    say(output, prefix + " (no per-model override; using global default)");
  }
}

void check_batch(const ValidateOptions& options, const Expected<Json>& meta,
                 const std::vector<std::string>& paths,
                 const std::optional<std::vector<std::int64_t>>& expected, ValidateOutput& output) {
  const auto problems = batch_problems(meta, options.meta_env, paths, expected);
  for (const std::string& problem : problems)
    fail_with(output, problem);
  if (!problems.empty()) return;
  if (!meta) {
    warn(output, "could not inspect eval metadata for batched concurrency status: " + meta.error().message);
  } else if (python::member(*meta, "eval_concs") != nullptr) {
    say(output, "PASS: batched eval produced every requested concurrency");
  }
}

// Compares the scores in one file. Returns their number.
std::size_t check_file(const std::string& path, const ScoreRules& rules, ValidateOutput& output) {
  const auto json = read_json_file(path);
  if (!json) {
    fail_with(output, json.error().message);
    return 0;
  }
  const auto conc = concurrency_in_name(path);
  const std::string label = conc ? "[conc=" + std::to_string(*conc) + "] " : "";
  const JudgedScores judged = judge_scores(*json, rules);
  for (const std::string& problem : judged.problems)
    fail_with(output, label + printable(path) + ": " + problem);
  for (const JudgedScore& score : judged.scores) {
    if (score.passed) {
      say(output, "PASS: " + label + score.text());
    } else {
      fail_with(output, label + score.text());
    }
  }
  return judged.scores.size();
}

}  // namespace

ValidateOutput run_validate_scores(const ValidateOptions& options) {
  ValidateOutput output;
  std::optional<std::vector<std::int64_t>> expected;
  if (options.expected_concs) {
    expected = parse_concurrencies(*options.expected_concs);
    if (!expected) {
      fail_with(output, "expected concurrencies must be unique positive integers");
      return output;
    }
  }
  ScoreRules rules;
  rules.thresholds = load_thresholds(options, output);
  const auto meta = read_json_file(options.meta_env);
  rules.model_prefix = model_prefix(options, meta);
  rules.fallback = options.min_score;
  rules.metric_prefix = options.metric_prefix;
  say_prefix(rules, output);
  const auto paths = matching_paths(options.results_glob);
  check_batch(options, meta, paths, expected, output);
  std::size_t checked = 0;
  for (const std::string& path : paths)
    checked += check_file(path, rules, output);
  if (checked == 0) {
    warn(output, "no metrics matched prefix '" + printable(options.metric_prefix) + "'");
    if (paths.empty()) warn(output, "no file matches '" + printable(options.results_glob) + "'");
    output.status = 1;
  }
  return output;
}

}  // namespace sweep::evals
