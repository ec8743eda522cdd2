#include "controller/ci/priority_command.hpp"

#include <algorithm>

#include "controller/ci/compact_json.hpp"
#include "controller/ci/priority.hpp"
#include "controller/python/json_read.hpp"
#include "controller/yaml/document.hpp"
#include "util/json.hpp"
#include "util/os/files.hpp"

namespace sweep::ci {

namespace {

using matrix::Arity;
using matrix::Options;
using matrix::OptionSpec;

OptionSpec one(std::string name, std::string help) {
  return {.name = std::move(name), .arity = Arity::One, .help = std::move(help)};
}

const matrix::CommandSpec& priority_spec() {
  static const matrix::CommandSpec kSpec = [] {
    matrix::CommandSpec spec;
    spec.name = "ci-priority";
    spec.help =
        "Adds a priority to every job of a matrix: each JSON object with the keys runner and framework gets priority, "
        "queue-token and, if the pull request may skip the queue, skip-queue-pr. Prints the matrix as one line of "
        "JSON. Replaces InferenceX's ci_priority.py.";
    spec.options = {
        one("--policy", "the policy (YAML; default: configs/ci-priority.yaml)"),
        one("--event-name", "event that starts the jobs, e.g. push"),
        one("--labels-json", "labels of the pull request, a JSON array of strings"),
        one("--queue-namespace", "start of the text of which a queue token is the digest (default: local)"),
        one("--pr-number", "number of the pull request"),
        one("--criteria-json", "the only facts that count, a JSON array of strings (default: all)"),
        one("--input", "file with the matrix (JSON; default: standard input)")};
    spec.options[4].integer = true;
    spec.closing = R"(Exit status:
  0  the matrix was printed
  1  the policy, the matrix or a value is invalid
  2  wrong usage

Examples:
    sweepctl process-changelog --base-ref main --head-ref HEAD \
      --changelog-file perf-changelog.yaml |
      sweepctl ci-priority --event-name push
)";
    return spec;
  }();
  return kSpec;
}

// Returns the texts of an option's JSON array; std::nullopt for "" and null.
Expected<std::optional<std::set<std::string>>> texts_in(const Options& options, const std::string& name) {
  const std::string text = options.text(name);
  if (text.empty()) return std::nullopt;
  const auto value = python::read_json(text);
  if (value && value->is_null()) return std::nullopt;
  const auto is_text = [](const nlohmann::ordered_json& item) { return item.is_string(); };
  if (!value || !value->is_array() || !std::all_of(value->begin(), value->end(), is_text))
    return fail(name + " must be a JSON array of strings, got " + text);
  return value->get<std::set<std::string>>();
}

Expected<std::string> prioritized(const Options& options,
                                  const std::function<Expected<std::string>()>& standard_input) {
  const std::string file = options.has("--policy") ? options.text("--policy") : "configs/ci-priority.yaml";
  SWEEP_ASSIGN(const auto bytes, read_file(file, yaml::kMaxFileBytes));
  SWEEP_ASSIGN(const auto policy, read_policy(bytes, file));
  PriorityContext context;
  context.event = options.text("--event-name");
  SWEEP_ASSIGN(auto labels, texts_in(options, "--labels-json"));
  if (labels) context.labels = *std::move(labels);
  if (options.has("--queue-namespace")) context.queue_namespace = options.text("--queue-namespace");
  context.pr_number = options.optional_integer("--pr-number");
  SWEEP_ASSIGN(context.criteria, texts_in(options, "--criteria-json"));
  const std::string input = options.text("--input");
  SWEEP_ASSIGN(const auto text, input.empty() ? standard_input() : read_file(input, python::kMaxJsonBytes));
  const auto matrix = python::read_json(text);
  if (!matrix)
    return fail("cannot read the matrix: " + (input.empty() ? std::string("standard input") : input) + ": " +
                matrix.error().message);
  SWEEP_ASSIGN(const auto out, with_priorities(*matrix, policy, context));
  return compact_json(out, KeyOrder::AsIs) + "\n";
}

}  // namespace

CommandOutput run_ci_priority(const std::vector<std::string>& args,
                              const std::function<Expected<std::string>()>& standard_input) {
  return run_with_options(priority_spec(), args,
                          [&](const Options& options) { return prioritized(options, standard_input); });
}

}  // namespace sweep::ci
