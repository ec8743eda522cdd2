// Says what the filters of full-sweep and test-config do that a user may not expect. Pure.
#pragma once

#include <string>
#include <vector>

#include "controller/matrix/inferencex/expand.hpp"

namespace sweep::matrix::inferencex {

/// Append one line for each unexpected effect, each value of a filter that no entry has, and each runner that
/// is no label of the runner file.
void add_full_sweep_warnings(const FullSweep& sweep, const FilterEffects& effects, const Rows& rows,
                             const RunnerFile& runners, std::vector<std::string>& warnings);
void add_test_config_warnings(const TestConfig& test, const FilterEffects& effects, const Rows& rows,
                              const RunnerFile& runners, std::vector<std::string>& warnings);

}  // namespace sweep::matrix::inferencex
