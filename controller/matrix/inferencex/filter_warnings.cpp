#include "controller/matrix/inferencex/filter_warnings.hpp"

#include <set>

#include "controller/matrix/selectable.hpp"
#include "util/text.hpp"

namespace sweep::matrix::inferencex {

namespace {

using Lines = std::vector<std::string>;

std::vector<ValueFilter> value_filters(const FullSweep& sweep, const std::vector<Entry>& entries) {
  std::set<std::string> keys, precisions, frameworks, runners, lengths;
  for (const Entry& entry : entries) {
    keys.insert(entry.key);
    precisions.insert(entry.precision);
    frameworks.insert(entry.framework);
    runners.insert(entry.runner);
    for (const FixedBlock& block : entry.fixed)
      lengths.insert(lengths_name(block));
  }
  const auto list = [](const std::set<std::string>& texts) { return Lines(texts.begin(), texts.end()); };
  return {{"model-prefix", sweep.model_prefix, list(keys), true},
          {"precision", sweep.precision, list(precisions)},
          {"framework", sweep.framework, list(frameworks)},
          {"runner-type", sweep.runner_type, list(runners)},
          {"seq-lens", sweep.selection.seq_lens, list(lengths)}};
}

// Warns of runners that are no labels, as far as the matrix has them or a filter of runners leaves them out.
void warn_of_unknown_runners(const Rows& rows, bool filtered, const RunnerFile& runners, Lines& out) {
  std::set<const Entry*> used;
  for (const Row& row : rows.rows)
    used.insert(row.entry);
  std::set<std::string> seen;
  for (const Entry& entry : rows.entries) {
    if (!filtered && !used.contains(&entry)) continue;
    if (runners.find_label(entry.runner) != nullptr || !seen.insert(entry.runner).second) continue;
    const auto near = nearest(entry.runner, runners.label_names());
    out.push_back(entry.file + ":" + std::to_string(entry.line) + ": runner '" + entry.runner +
                  "' of entry '" + entry.key + "' is not a label of " + runners.file +
                  (near ? "; did you mean '" + *near + "'?" : "; add it to 'labels' there"));
  }
}

std::string first_place(const std::string& place) {
  return " (first at " + place + ")";
}

void warn_of_limits(const FullSweep& sweep, const FilterEffects& effects, Lines& out) {
  if (effects.added > 0)
    out.push_back("--min-conc and --max-conc replace concurrencies: " + counted(effects.added, "value") +
                  " of fixed-seq-len that no file has" + first_place(effects.first_added) +
                  "; without the limits the matrix has only the files' own");
  if (effects.dropped_agentic > 0)
    out.push_back(counted(effects.dropped_agentic, "element") +
                  " of agentic-coding without a concurrency within --min-conc and --max-conc left out" +
                  first_place(effects.first_dropped_agentic));
  for (const auto& [option, value] :
       {std::pair<const char*, std::optional<std::int64_t>>{"--min-conc", sweep.limits.min},
        {"--max-conc", sweep.limits.max},
        {"--max-tp", sweep.max_tp},
        {"--max-ep", sweep.max_ep}}) {
    if (value && *value <= 0)
      out.push_back(std::string(option) + " " + std::to_string(*value) +
                    " leaves out every element of fixed-seq-len to which it applies; give a number above 0");
  }
}

// Warns of agentic rows that filters of lengths and sizes do not touch.
void warn_of_agentic_rows(const std::string& options, const FilterEffects& effects, Lines& out) {
  if (options.empty() || effects.agentic == 0) return;
  out.push_back(options + " not applied to agentic-coding: " + counted(effects.agentic, "row") +
                " of it in the matrix; add --scenario-type fixed-seq-len to leave them out");
}

}  // namespace

void add_full_sweep_warnings(const FullSweep& sweep, const FilterEffects& effects, const Rows& rows,
                             const RunnerFile& runners, Lines& warnings) {
  for (std::string& line : unused_filters(value_filters(sweep, rows.entries)))
    warnings.push_back(std::move(line));
  warn_of_unknown_runners(rows, !sweep.selection.runner_node_filter.empty(), runners, warnings);
  warn_of_limits(sweep, effects, warnings);
  Lines options;
  if (!sweep.selection.seq_lens.empty()) options.emplace_back("--seq-lens");
  if (sweep.max_tp) options.emplace_back("--max-tp");
  if (sweep.max_ep) options.emplace_back("--max-ep");
  warn_of_agentic_rows(join(options, ", "), effects, warnings);
  if (effects.lowered_ep > 0)
    warnings.push_back("--max-ep " + std::to_string(*sweep.max_ep) + " lowers ep of " +
                       counted(effects.lowered_ep, "point") + " instead of leaving them out");
}

void add_test_config_warnings(const TestConfig& test, const FilterEffects& effects, const Rows& rows,
                              const RunnerFile& runners, Lines& warnings) {
  warn_of_unknown_runners(rows, !test.selection.runner_node_filter.empty(), runners, warnings);
  warn_of_agentic_rows(test.selection.seq_lens.empty() ? "" : "--seq-lens", effects, warnings);
  if (effects.empty_lists > 0)
    warnings.push_back("test-config makes no point of " + counted(effects.empty_lists, "element") +
                       " with an empty conc-list" + first_place(effects.first_empty_list) +
                       "; remove conc-list to use the range");
}

}  // namespace sweep::matrix::inferencex
