#include "controller/matrix/inferencex/run.hpp"

#include <algorithm>
#include <filesystem>
#include <unordered_set>

#include "controller/matrix/expand.hpp"
#include "controller/matrix/inferencex/entry_reader.hpp"
#include "controller/matrix/inferencex/evals.hpp"
#include "controller/matrix/inferencex/expand.hpp"
#include "controller/matrix/inferencex/filter_warnings.hpp"
#include "controller/matrix/inferencex/runner_file.hpp"
#include "controller/matrix/master.hpp"
#include "controller/matrix/other_files.hpp"
#include "util/text.hpp"

namespace sweep::matrix::inferencex {

namespace {

// Returns why the file is no mapping of entries; "" if it is one.
std::string problem_with_file(const MatrixFile& file, bool in_sweep) {
  if (file.missing)
    return "Input file '" + file.name + "' does not exist." +
           (in_sweep ? " Give the path of a benchmark matrix, absolute or relative to the current directory"
                     : "");
  if (!file.unreadable.empty())
    return file.unreadable + "; give the path of a benchmark matrix, which is a file";
  if (!file.document) return "Config file '" + file.name + "': " + file.invalid;
  if (!file.is_mapping()) return "Config file '" + file.name + "' must contain a dictionary";
  const std::string other = kind_of_other_file(*file.document);
  return other.empty() ? "" : "Config file '" + file.name + "' is not a benchmark matrix: " + other;
}

// Checks the keys of a file's entries and adds them to `known`, which has those of the earlier files.
Expected<void> check_entry_keys(const MatrixFile& file, std::unordered_set<std::string>& known) {
  std::vector<std::string> duplicates, own;
  for (const yaml::Member& member : file.document->members) {
    std::string key = python_str(*member.key);
    if (key.find('*') != std::string::npos)
      return fail(file.name + ":" + std::to_string(member.key->line) +
                  ": Wildcard '*' is not allowed in master config keys: '" + key + "'; rename the entry");
    if (known.contains(key)) duplicates.push_back(key);
    own.push_back(std::move(key));
  }
  known.insert(own.begin(), own.end());
  if (duplicates.empty()) return {};
  std::sort(duplicates.begin(), duplicates.end());
  return fail("Duplicate configuration keys found in '" + file.name + "': " + join(duplicates, ", "));
}

// Checks and returns all entries. A file is released as soon as its entries are read, because a large one
// takes much more memory than they do.
Expected<std::vector<Entry>> read_entries(std::vector<MatrixFile> files, bool in_sweep,
                                          std::vector<std::string>& warnings) {
  std::unordered_set<std::string> known;
  for (const MatrixFile& file : files) {
    if (const std::string problem = problem_with_file(file, in_sweep); !problem.empty()) return fail(problem);
    SWEEP_TRY(check_entry_keys(file, known));
  }
  std::vector<Entry> out;
  out.reserve(known.size());
  for (MatrixFile& file : files) {
    for (const yaml::ValueRef& key : file.document->repeated)
      warnings.push_back(file.name + ":" + std::to_string(key->line) + ": entry '" + python_str(*key) +
                         "' occurs twice; only the points of the last one are used");
    for (const yaml::Member& member : file.document->members) {
      SWEEP_ASSIGN(auto entry, read_entry(*member.key, *member.value, file.name, warnings));
      out.push_back(std::move(entry));
    }
    file.document.reset();
  }
  release_free_memory(out.size());
  return out;
}

Expected<RunnerFile> read_runners_of(const MatrixFile& file, bool may_be_missing,
                                     std::vector<std::string>& warnings) {
  if (file.missing && may_be_missing) return RunnerFile{file.name, {}, {}, {}};
  if (file.missing) return fail("Runner config file '" + file.name + "' does not exist.");
  if (!file.unreadable.empty()) return fail(file.unreadable);
  if (!file.document) return fail("Runner config file '" + file.name + "': " + file.invalid);
  SWEEP_ASSIGN(auto out, read_runner_file(*file.document, file.name));
  warnings.insert(warnings.end(), out.warnings.begin(), out.warnings.end());
  return out;
}

Selection selection_of(const Options& options) {
  Selection out;
  const auto& scenarios = options.list("--scenario-type");
  const auto selects = [&](const char* scenario) {
    return scenarios.empty() || std::find(scenarios.begin(), scenarios.end(), scenario) != scenarios.end();
  };
  out.fixed = selects("fixed-seq-len");
  out.agentic = selects("agentic-coding");
  out.seq_lens = options.list("--seq-lens");
  out.runner_node_filter = options.text("--runner-node-filter");
  return out;
}

FullSweep full_sweep_of(const Options& options) {
  FullSweep out;
  out.selection = selection_of(options);
  out.model_prefix = options.list("--model-prefix");
  out.precision = options.list("--precision");
  out.framework = options.list("--framework");
  out.runner_type = options.list("--runner-type");
  out.step_size = options.integer("--step-size", out.step_size);
  out.limits = {options.optional_integer("--min-conc"), options.optional_integer("--max-conc")};
  out.max_tp = options.optional_integer("--max-tp");
  out.max_ep = options.optional_integer("--max-ep");
  const bool single = options.has("--single-node"), multi = options.has("--multi-node");
  out.single_node = single || !multi;
  out.multi_node = multi || !single;
  return out;
}

// Adds further passes: all rows once, then all rows again.
Expected<void> repeat_rows(Rows& rows, std::int64_t times) {
  const std::size_t once = rows.rows.size();
  if (once * static_cast<std::size_t>(times) > kMaxPoints)
    return fail("--repeat " + std::to_string(times) + " makes more than " + std::to_string(kMaxPoints) +
                " points; select fewer");
  rows.rows.reserve(once * static_cast<std::size_t>(times));
  for (std::int64_t pass = 1; pass < times; ++pass) {
    for (std::size_t i = 0; i < once; ++i)
      rows.rows.push_back(rows.rows[i]);
  }
  return {};
}

Expected<void> expand(const std::string& name, const Options& options, const RunnerFile& runners, Rows& out,
                      std::vector<std::string>& warnings) {
  if (name == "test-config") {
    const TestConfig test{selection_of(options), options.list("--config-keys"), options.integers("--conc")};
    SWEEP_ASSIGN(const auto effects, expand_test_config(test, runners, out));
    add_test_config_warnings(test, effects, out, runners, warnings);
    return {};
  }
  FullSweep sweep = full_sweep_of(options);
  SWEEP_ASSIGN(const auto effects, expand_full_sweep(sweep, runners, out));
  add_full_sweep_warnings(sweep, effects, out, runners, warnings);
  return {};
}

}  // namespace

std::string default_runner_file(const std::vector<std::string>& config_files, bool in_sweep) {
  if (!in_sweep || config_files.empty()) return "configs/runners.yaml";
  return (std::filesystem::path(config_files.front()).parent_path() / "runners.yaml").string();
}

Expected<Rows> run(const std::string& name, const Options& options, std::vector<MatrixFile> files,
                   const MatrixFile& runner_file, bool in_sweep, std::vector<std::string>& warnings) {
  const bool is_default = options.text("--runner-config").empty();
  Rows out;
  SWEEP_ASSIGN(out.entries, read_entries(std::move(files), in_sweep, warnings));
  SWEEP_ASSIGN(auto runners, read_runners_of(runner_file, in_sweep && is_default, warnings));
  if (runner_file.missing) {
    // A sweep without a runner file selects by the entries' own runners.
    for (const Entry& entry : out.entries) {
      if (runners.find_label(entry.runner) == nullptr)
        runners.labels.push_back({entry.runner, {entry.runner}});
    }
  }
  SWEEP_TRY(expand(name, options, runners, out, warnings));
  mark_evals(out.rows, {options.has("--no-evals"), options.has("--evals-only"), options.has("--all-evals")});
  const std::int64_t times = options.integer("--repeat", 1);
  if (times < 1 || times > kMaxRepeats)
    return fail("--repeat must be between 1 and " + std::to_string(kMaxRepeats));
  SWEEP_TRY(repeat_rows(out, times));
  return out;
}

}  // namespace sweep::matrix::inferencex
