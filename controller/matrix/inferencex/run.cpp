#include "controller/matrix/inferencex/run.hpp"

#include <algorithm>
#include <filesystem>

#include "controller/matrix/inferencemax/expand.hpp"
#include "controller/matrix/inferencemax/master.hpp"
#include "controller/matrix/inferencex/evals.hpp"
#include "controller/matrix/inferencex/expand.hpp"
#include "controller/matrix/inferencex/filter_warnings.hpp"
#include "controller/matrix/inferencex/master_files.hpp"
#include "controller/matrix/inferencex/runner_file.hpp"

namespace sweep::matrix::inferencex {

namespace {

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
  SWEEP_ASSIGN(auto runners, read_runners(runner_file, in_sweep && is_default, warnings));
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
