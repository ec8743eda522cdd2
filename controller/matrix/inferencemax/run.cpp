#include "controller/matrix/inferencemax/run.hpp"

#include <algorithm>
#include <cassert>
#include <filesystem>
#include <set>

#include "controller/matrix/selectable.hpp"
#include "controller/matrix/subcommands.hpp"
#include "util/json.hpp"
#include "util/os/files.hpp"

namespace sweep::matrix {

namespace {

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

// Returns the problem of a file that could not be read or is not YAML.
std::string problem_of(const MatrixFile& file, Caller caller) {
  const bool in_sweep = caller == Caller::Sweep;
  if (file.missing)
    return "Input file '" + file.name + "' does not exist." +
           (in_sweep ? " Give the path of a benchmark matrix, absolute or relative to the current directory"
                     : "");
  if (!file.unreadable.empty())
    return file.unreadable + (in_sweep ? "; give the path of a benchmark matrix, which is a file" : "");
  return "Config file '" + file.name + "': " + file.invalid;
}

Expected<std::vector<Config>> read_configs(const Options& options, const std::vector<MatrixFile>& files,
                                           Caller caller, std::vector<std::string>& warnings) {
  std::vector<RawEntry> entries;
  Notes notes;
  for (const MatrixFile& file : files) {
    if (!file.document) return fail(problem_of(file, caller));
    SWEEP_TRY(add_entries(file.name, file.document, entries, &notes));
  }
  const auto lengths = short_form_lengths(options.list("--seq-lens"));
  std::vector<Config> out;
  for (const RawEntry& entry : entries) {
    auto checked = check_entry(entry, lengths, notes);
    // The contract's message names only the key. With several files the user would have to search for it.
    // Scripts know the command's messages, so only a sweep adds to them.
    if (!checked)
      return fail(entry.file + ":" + std::to_string(notes.line) + ": " + checked.error().message +
                  (caller == Caller::Sweep ? notes.hint : std::string()));
    out.push_back(*std::move(checked));
  }
  warnings = std::move(notes.warnings);
  return out;
}

Expected<Runners> read_runners(const Options& options, std::vector<std::string>& warnings) {
  const std::string file = options.text("--runner-config");
  std::error_code ignored;
  if (std::filesystem::status(file, ignored).type() == std::filesystem::file_type::not_found)
    return fail("Runner config file '" + file + "' does not exist.");
  SWEEP_ASSIGN(const auto bytes, read_file(file, yaml::kMaxFileBytes));
  auto runners = Runners::parse(bytes, file);
  if (runners) warnings.insert(warnings.end(), runners->warnings().begin(), runners->warnings().end());
  return runners;
}

std::string selectable_lengths(const Block& block) {
  for (const NamedLengths& lengths : kNamedLengths) {
    if (lengths.isl == block.isl.value && lengths.osl == block.osl.value) return std::string(lengths.name);
  }
  return std::to_string(block.isl.value) + "/" + std::to_string(block.osl.value) + " (not selectable)";
}

std::vector<ValueFilter> filters_of(const std::vector<Config>& configs, const FullSweep& sweep) {
  std::set<std::string> keys, precisions, frameworks, runners, lengths;
  for (const Config& config : configs) {
    keys.insert(config.key);
    precisions.insert(config.precision);
    frameworks.insert(config.framework);
    runners.insert(config.runner);
    for (const Block& block : config.blocks)
      lengths.insert(selectable_lengths(block));
  }
  const auto list = [](const std::set<std::string>& texts) {
    return std::vector<std::string>(texts.begin(), texts.end());
  };
  return {{"model-prefix", sweep.model_prefix, list(keys), true},
          {"precision", sweep.precision, list(precisions)},
          {"framework", sweep.framework, list(frameworks)},
          {"runner-type", sweep.runner_type, list(runners)},
          {"seq-lens", sweep.seq_lens, list(lengths)}};
}

std::string selectable_in(const std::vector<Config>& configs, const FullSweep& sweep) {
  if (configs.empty()) return "; the files have no entries";
  const std::string values = selectable_values(filters_of(configs, sweep));
  return values.empty() ? "; every conc-start is above its conc-end" : values;
}

Expected<Matrix> full_sweep(const std::vector<Config>& configs, const Options& options, Caller caller,
                            std::vector<std::string>& warnings) {
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
  const bool has_file = !options.text("--runner-config").empty();
  if (!sweep.runner_type.empty() && (has_file || caller == Caller::Command)) {
    // Contract: only --runner-type opens the runner file.
    if (!has_file) return fail("--runner-config is required when --runner-type is specified");
    SWEEP_ASSIGN(const auto runners, read_runners(options, warnings));
    SWEEP_TRY(check_runner_types(sweep.runner_type, runners));
  }
  auto matrix = expand_full_sweep(configs, sweep);
  if (!matrix) {
    const bool is_empty = matrix.error().message.starts_with("No configs found");
    return fail(matrix.error().message +
                (is_empty && caller == Caller::Sweep ? selectable_in(configs, sweep) : std::string()));
  }
  for (std::string& line : unused_filters(filters_of(configs, sweep)))
    warnings.push_back(std::move(line));
  return matrix;
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

Expected<Matrix> run_inferencemax(const std::string& name, const Options& options,
                                  std::vector<MatrixFile> files, Caller caller,
                                  std::vector<std::string>& warnings) {
  SWEEP_ASSIGN(const auto configs, read_configs(options, files, caller, warnings));
  files.clear();
  release_free_memory(configs.size());
  if (name == "full-sweep") return full_sweep(configs, options, caller, warnings);
  SWEEP_ASSIGN(const auto runners, read_runners(options, warnings));
  if (name == "test-config") return expand_test_config(configs, runners, test_config(options));
  if (name == "runner-model-sweep") {
    return expand_runner_model_sweep(configs, runners, options.text("--runner-type"));
  }
  if (name == "runner-sweep") return expand_runner_sweep(configs, runners, runner_sweep(options));
  assert(name == "custom");
  return expand_custom(runners, custom(options));
}

}  // namespace sweep::matrix
