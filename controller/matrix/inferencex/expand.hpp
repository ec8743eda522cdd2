// Expands checked entries into the rows of the matrix: full-sweep and test-config. Contract of 2026, section
// 4. Pure.
//
// Rows are in the order of files, entries, fixed blocks, agentic blocks, elements; of one element by
// concurrency and then runner on one node, by runner and then concurrency on many nodes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "controller/matrix/inferencex/concurrency_values.hpp"
#include "controller/matrix/inferencex/row.hpp"
#include "controller/matrix/inferencex/runner_file.hpp"
#include "util/error.hpp"

namespace sweep::matrix::inferencex {

/// What both subcommands select by. An empty list or text selects everything.
struct Selection {
  bool fixed = true, agentic = true;  // --scenario-type
  std::vector<std::string> seq_lens;  // names of lengths: "1k1k"
  std::string runner_node_filter;
};

struct FullSweep {
  Selection selection;
  std::vector<std::string> model_prefix, precision, framework, runner_type;
  std::int64_t step_size = 2;  // at least 2
  ConcurrencyLimits limits;
  std::optional<std::int64_t> max_tp, max_ep;
  bool single_node = true, multi_node = true;
};

struct TestConfig {
  Selection selection;
  std::vector<std::string> config_keys;
  std::vector<std::int64_t> conc;
};

/// What the filters of full-sweep did besides leaving points out; counted for warnings.
struct FilterEffects {
  std::size_t added = 0;            // points with a concurrency that the file does not have
  std::size_t lowered_ep = 0;       // points with another ep than in the file
  std::size_t agentic = 0;          // agentic rows
  std::size_t dropped_agentic = 0;  // agentic elements without a concurrency within the limits
  std::size_t empty_lists = 0;      // fixed elements of which test-config makes nothing
  std::string first_added, first_dropped_agentic, first_empty_list;  // "FILE:LINE"
};

/// Append rows to `out`, which already has the entries. Fail with FILE:LINE and the contract's words.
Expected<FilterEffects> expand_full_sweep(const FullSweep& sweep, const RunnerFile& runners, Rows& out);
Expected<FilterEffects> expand_test_config(const TestConfig& test, const RunnerFile& runners, Rows& out);

/// Returns the indices of the entries that the keys and patterns of --config-keys name, each once.
Expected<std::vector<std::size_t>> select_keys(const std::vector<std::string>& keys,
                                               const std::vector<Entry>& entries);

}  // namespace sweep::matrix::inferencex
