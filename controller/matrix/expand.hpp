// Checked configurations in, matrix entries out: the five subcommands. Contract, section 2. Pure.
//
// Entries come in the order file, key, block, element, concurrency (or node); the order of the keys within an
// entry differs between subcommands and is part of the contract.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "controller/matrix/master.hpp"
#include "controller/matrix/runners.hpp"
#include "util/error.hpp"

namespace sweep::matrix {

/// The most entries of one matrix; what would be more is refused before it takes the memory.
inline constexpr std::size_t kMaxPoints = 1'000'000;

using Matrix = std::vector<nlohmann::ordered_json>;

/// Empty lists filter nothing.
struct FullSweep {
  std::vector<std::string> model_prefix, precision, framework, runner_type;
  std::vector<std::string> seq_lens;  // as given, for the message
  std::int64_t step_size = 2;
  bool test_mode = false;
  std::int64_t repeat = 0;  // how often each point is run; 0: as its entry says
};

/// Repeated points stand one whole round after another, so that what drifts with time does not fall on one
/// point. Fails when nothing matches, with the filters given, and on a concurrency range without an end.
Expected<Matrix> expand_full_sweep(const std::vector<Config>& configs, const FullSweep& sweep);

/// Fails, naming the unknown ones, when a runner type of a full sweep is not in the runner file.
Expected<void> check_runner_types(const std::vector<std::string>& wanted, const Runners& runners);

struct TestConfig {
  std::string key, runner_node;  // no node: the entry's runner type
  std::vector<std::string> seq_lens;
  std::int64_t step_size = 2;
  bool test_mode = false;
};

/// Fails on an unknown key and on a node that is not of the entry's runner type. May be empty.
Expected<Matrix> expand_test_config(const std::vector<Config>& configs, const Runners& runners,
                                    const TestConfig& test);

/// Fails on an unknown runner type and on an entry of it without 1024/1024 block. May be empty.
Expected<Matrix> expand_runner_model_sweep(const std::vector<Config>& configs, const Runners& runners,
                                           const std::string& runner_type);

/// An empty text filters nothing.
struct RunnerSweep {
  std::string runner_type, model_prefix, precision, framework;
};

/// Fails as expand_runner_model_sweep does, and when nothing matches.
Expected<Matrix> expand_runner_sweep(const std::vector<Config>& configs, const Runners& runners,
                                     const RunnerSweep& sweep);

struct Custom {
  std::string runner_label, image, model, framework, precision, exp_name;
};

/// One entry. Fails when the label is no runner type and no node.
Expected<Matrix> expand_custom(const Runners& runners, const Custom& custom);

}  // namespace sweep::matrix
