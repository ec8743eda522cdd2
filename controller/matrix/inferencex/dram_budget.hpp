// Computes how much memory of a node a KV offload may use. Contract of 2026, section 4. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "controller/matrix/inferencex/entry.hpp"
#include "controller/matrix/inferencex/runner_file.hpp"
#include "util/error.hpp"

namespace sweep::matrix::inferencex {

/// Returns floor(mib * 2^20 * utilization * gpus / gpus_per_node / 10^9) in GB, computed with 28 decimal
/// digits as Python's decimal module does. `utilization` is a decimal number; fails if it has more than 20
/// digits.
Expected<std::int64_t> scaled_gigabytes(std::int64_t mib, const std::string& utilization, std::int64_t gpus,
                                        std::int64_t gpus_per_node);

/// Returns total-cpu-dram-gb of an agentic element: 0 unless it offloads to memory. Fails with the contract's
/// words if its servers do not fit the nodes of the entry's label, or if nothing is known of these.
Expected<std::int64_t> dram_budget(const Entry& entry, const AgenticBlock& block, const Element& element,
                                   const RunnerFile& runners);

}  // namespace sweep::matrix::inferencex
