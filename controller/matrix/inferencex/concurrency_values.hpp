// Computes the concurrencies of an element and applies the filters of full-sweep. Contract of 2026, section
// 4. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "controller/matrix/inferencex/entry.hpp"
#include "util/error.hpp"

namespace sweep::matrix::inferencex {

/// --min-conc and --max-conc.
struct ConcurrencyLimits {
  std::optional<std::int64_t> min, max;
};

/// Returns start, start * step, … and `end` in place of the first value beyond it. `step` is at least 2,
/// `start` above 0 and not above `end`. Fails if an end is in quotes, because the contract's tool then
/// repeats texts for ever; two equal texts are one value.
Expected<std::vector<Scalar>> range_of(const Scalar& start, const Scalar& end, std::int64_t step);

/// Returns the values of an element as its file has them: its list if that is not empty, otherwise its range.
Expected<std::vector<Scalar>> values_of(const Concurrency& concurrency, std::int64_t step);

/// Return the values that are left of an element; empty if it is skipped. The filters are not alike: a fixed
/// element without a value up to `max` gets the value `max`; a range of one node starts again at `min`; an
/// agentic element only loses values.
Expected<std::vector<Scalar>> one_node_values(const Concurrency& concurrency, const ConcurrencyLimits& limits,
                                              std::int64_t step);
Expected<std::vector<Scalar>> many_node_values(const Concurrency& concurrency,
                                               const ConcurrencyLimits& limits, std::int64_t step);
Expected<std::vector<Scalar>> agentic_values(const Concurrency& concurrency, const ConcurrencyLimits& limits,
                                             std::int64_t step);

}  // namespace sweep::matrix::inferencex
