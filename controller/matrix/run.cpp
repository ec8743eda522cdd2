#include "controller/matrix/run.hpp"

#include <algorithm>
#include <cassert>
#include <filesystem>

#include "controller/matrix/subcommands.hpp"
#include "util/os/files.hpp"

namespace sweep::matrix {

namespace {

bool is_missing(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::status(path, ignored).type() == std::filesystem::file_type::not_found;
}

// Returns the lengths for entries in short form: each of `names` once; 1k1k if `names` is empty.
std::vector<Lengths> short_form_lengths(const std::vector<std::string>& names) {
  std::vector<Lengths> out;
  for (auto name = names.begin(); name != names.end(); ++name) {
    if (std::find(names.begin(), name, *name) != name) continue;
    for (const NamedLengths& known : kNamedLengths) {
      if (known.name == *name) out.push_back({known.isl, known.osl});
    }
  }
  if (out.empty()) out.push_back({kNamedLengths[0].isl, kNamedLengths[0].osl});
  return out;
}

Expected<std::vector<Config>> read_configs(const Options& options) {
  std::vector<RawEntry> entries;
  for (const std::string& file : options.list("--config-files")) {
    if (is_missing(file)) return fail("Input file '" + file + "' does not exist.");
    SWEEP_ASSIGN(auto bytes, read_file(file, yaml::kMaxFileBytes));
    SWEEP_TRY(add_entries({file, std::move(bytes)}, entries));
  }
  const auto lengths = short_form_lengths(options.list("--seq-lens"));
  std::vector<Config> out;
  for (const RawEntry& entry : entries) {
    auto checked = check_entries({&entry, 1}, lengths);
    // The contract's message names only the key. With several files the user would have to search for it.
    if (!checked)
      return fail(entry.file + ":" + std::to_string(entry.key->line) + ": " + checked.error().message);
    out.push_back(std::move(checked->front()));
  }
  return out;
}

Expected<Runners> read_runners(const Options& options) {
  const std::string file = options.text("--runner-config");
  if (is_missing(file)) return fail("Runner config file '" + file + "' does not exist.");
  SWEEP_ASSIGN(const auto bytes, read_file(file, yaml::kMaxFileBytes));
  return Runners::parse(bytes, file);
}

Expected<Matrix> full_sweep(const std::vector<Config>& configs, const Options& options) {
  FullSweep sweep;
  sweep.model_prefix = options.list("--model-prefix");
  sweep.precision = options.list("--precision");
  sweep.framework = options.list("--framework");
  sweep.runner_type = options.list("--runner-type");
  sweep.seq_lens = options.list("--seq-lens");
  sweep.step_size = options.integer("--step-size", sweep.step_size);
  sweep.test_mode = options.has("--test-mode");
  sweep.repeat = options.integer("--repeat", sweep.repeat);
  if (options.has("--repeat") && (sweep.repeat < 1 || sweep.repeat > kMaxRepeats))
    return fail("--repeat must be between 1 and " + std::to_string(kMaxRepeats));
  if (!sweep.runner_type.empty()) {  // contract: only --runner-type opens the runner file
    if (options.text("--runner-config").empty()) {
      return fail("--runner-config is required when --runner-type is specified");
    }
    SWEEP_ASSIGN(const auto runners, read_runners(options));
    SWEEP_TRY(check_runner_types(sweep.runner_type, runners));
  }
  return expand_full_sweep(configs, sweep);
}

TestConfig test_config(const Options& options) {
  TestConfig out;
  out.key = options.text("--key");
  out.runner_node = options.text("--runner-node");
  out.seq_lens = options.list("--seq-lens");
  out.step_size = options.integer("--step-size", out.step_size);
  out.test_mode = options.has("--test-mode");
  return out;
}

RunnerSweep runner_sweep(const Options& options) {
  return {options.text("--runner-type"), options.text("--model-prefix"), options.text("--precision"),
          options.text("--framework")};
}

Custom custom(const Options& options) {
  return {options.text("--runner-label"), options.text("--image"),     options.text("--model"),
          options.text("--framework"),    options.text("--precision"), options.text("--exp-name")};
}

}  // namespace

Expected<Matrix> run_subcommand(const std::string& name, const Options& options) {
  SWEEP_ASSIGN(const auto configs, read_configs(options));
  if (name == "full-sweep") return full_sweep(configs, options);
  SWEEP_ASSIGN(const auto runners, read_runners(options));
  if (name == "test-config") return expand_test_config(configs, runners, test_config(options));
  if (name == "runner-model-sweep") {
    return expand_runner_model_sweep(configs, runners, options.text("--runner-type"));
  }
  if (name == "runner-sweep") return expand_runner_sweep(configs, runners, runner_sweep(options));
  assert(name == "custom");
  return expand_custom(runners, custom(options));
}

}  // namespace sweep::matrix
