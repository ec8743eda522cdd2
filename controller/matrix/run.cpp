#include "controller/matrix/run.hpp"

#include <algorithm>
#include <cassert>
#include <filesystem>

#include "controller/matrix/selectable.hpp"
#include "controller/matrix/subcommands.hpp"
#include "util/json.hpp"
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

Expected<std::vector<Config>> read_configs(const Options& options, Caller caller,
                                           std::vector<std::string>& warnings) {
  std::vector<RawEntry> entries;
  Notes notes;
  for (const std::string& file : options.list("--config-files")) {
    if (is_missing(file)) {
      return fail("Input file '" + file + "' does not exist." +
                  (caller == Caller::Sweep
                       ? " Give the path of a benchmark matrix, absolute or relative to the "
                         "current directory"
                       : std::string()));
    }
    auto bytes = read_file(file, yaml::kMaxFileBytes);
    if (!bytes && caller == Caller::Sweep)
      return fail(bytes.error().message + "; give the path of a benchmark matrix, which is a file");
    if (!bytes) return tl::unexpected(bytes.error());
    SWEEP_TRY(add_entries({file, *std::move(bytes)}, entries, &notes));
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
  if (is_missing(file)) return fail("Runner config file '" + file + "' does not exist.");
  SWEEP_ASSIGN(const auto bytes, read_file(file, yaml::kMaxFileBytes));
  auto runners = Runners::parse(bytes, file);
  if (runners) warnings.insert(warnings.end(), runners->warnings().begin(), runners->warnings().end());
  return runners;
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
                (is_empty && caller == Caller::Sweep ? selectable_values(configs, sweep) : std::string()));
  }
  for (std::string& line : unused_filters(configs, sweep))
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

/// Returns the matrix and fills in `warnings`.
Expected<Matrix> make_matrix(const std::string& name, const Options& options, Caller caller,
                             std::vector<std::string>& warnings) {
  SWEEP_ASSIGN(const auto configs, read_configs(options, caller, warnings));
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

}  // namespace

Expected<Matrix> run_subcommand(const std::string& name, const Options& options, Caller caller,
                                std::vector<std::string>* warnings) {
  constexpr std::size_t kMaxWarnings = 20;
  std::vector<std::string> all;
  auto matrix = make_matrix(name, options, caller, all);
  if (warnings == nullptr) return matrix;
  if (all.size() > kMaxWarnings) {
    const std::size_t more = all.size() - kMaxWarnings;
    all.resize(kMaxWarnings);
    all.push_back("and " + std::to_string(more) + " more warnings of this kind");
  }
  warnings->insert(warnings->end(), all.begin(), all.end());
  return matrix;
}

}  // namespace sweep::matrix
