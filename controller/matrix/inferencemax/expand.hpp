// Expands checked configurations into matrix entries: one function per subcommand. Contract, section 2. Pure.
//
// Entries are sorted by file, key, block, element and concurrency (or node), in the order of the files. The
// order of the keys within an entry depends on the subcommand and is part of the contract.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "controller/matrix/inferencemax/master.hpp"
#include "controller/matrix/inferencemax/runners.hpp"
#include "util/error.hpp"

namespace sweep::matrix {

/// The maximum number of entries in a matrix. Expansion fails as soon as it exceeds this, to bound its
/// memory.
inline constexpr std::size_t kMaxPoints = 1'000'000;

using Matrix = std::vector<nlohmann::ordered_json>;

/// Returns the name of lengths in tokens as in exp-name: "1k1k", or "2048_128" for lengths without a name.
std::string lengths_name(std::int64_t isl, std::int64_t osl);

/// The options of full-sweep. An empty list matches everything.
struct FullSweep {
  std::vector<std::string> model_prefix, precision, framework, runner_type;
  std::vector<std::string> seq_lens;  // names of lengths: "1k1k"
  std::int64_t step_size = 2;
  bool test_mode = false;
  std::int64_t repeat = 0;  // how many times each point is run; 0: the entry's own `repeat`
};

/// Returns the entries that match all filters. Repeated points follow in full passes: all points once, then
/// all points again, so that a drift over time does not affect one point only. Fails if no entry matches or a
/// concurrency range never reaches its end.
Expected<Matrix> expand_full_sweep(const std::vector<Config>& configs, const FullSweep& sweep);

/// Fails if a runner type in `wanted` (--runner-type of full-sweep) is not in the runner file; the message
/// names all such types.
Expected<void> check_runner_types(const std::vector<std::string>& wanted, const Runners& runners);

/// The options of test-config.
struct TestConfig {
  std::string key, runner_node;  // an empty node selects the entry's runner type
  std::vector<std::string> seq_lens;
  std::int64_t step_size = 2;
  bool test_mode = false;
};

/// Returns the entries of one key, possibly none. Fails if the key does not exist or the node does not belong
/// to the entry's runner type.
Expected<Matrix> expand_test_config(const std::vector<Config>& configs, const Runners& runners,
                                    const TestConfig& test);

/// Returns one short test for each entry of a runner type on each of its nodes, possibly none. Fails if the
/// runner type does not exist or one of its entries has no block with ISL and OSL 1024.
Expected<Matrix> expand_runner_model_sweep(const std::vector<Config>& configs, const Runners& runners,
                                           const std::string& runner_type);

/// The options of runner-sweep. An empty text matches everything.
struct RunnerSweep {
  std::string runner_type, model_prefix, precision, framework;
};

/// Returns one short test for each matching entry on each node of the runner type. Fails as
/// expand_runner_model_sweep does, and if no entry matches.
Expected<Matrix> expand_runner_sweep(const std::vector<Config>& configs, const Runners& runners,
                                     const RunnerSweep& sweep);

/// The options of custom.
struct Custom {
  std::string runner_label, image, model, framework, precision, exp_name;
};

/// Returns one entry with the given values. Fails if the label is neither a runner type nor a node.
Expected<Matrix> expand_custom(const Runners& runners, const Custom& custom);

}  // namespace sweep::matrix
