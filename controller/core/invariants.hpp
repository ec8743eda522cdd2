// Verifies the invariants of State. Takes time linear in the size of the sweep.
#pragma once

#include <string>
#include <vector>

#include "controller/core/state.hpp"

namespace sweep::core {

/// Returns a description of each violated invariant; empty if the state is sound. For tests, and after each
/// replay.
std::vector<std::string> check_invariants(const State& state);

}  // namespace sweep::core
