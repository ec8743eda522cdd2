// Distributions of measured values, as the Python tools write them: mean, p50, p75, p90, p95, std. Pure.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <vector>

namespace sweep::agentic {

/// Returns the value at `percent` of the sorted values, interpolated between neighbours; 0 if there are none.
double percentile(const std::vector<double>& sorted, double percent);

/// Returns the arithmetic mean; 0 if there are none.
double mean_of(const std::vector<double>& values);

/// Returns the standard deviation of the whole population; 0 for fewer than two values.
double deviation_of(const std::vector<double>& values);

/// Returns an object with the six statistics; an empty one if there are no values.
nlohmann::ordered_json statistics(std::vector<double> values);

/// The same for counts, whose mean is a whole number if it can be.
nlohmann::ordered_json count_statistics(const std::vector<std::int64_t>& counts);

/// Returns the statistics of 1/value: mean and percentiles are 1 divided by those of the values, so p90 is the
/// slow tail; std is that of 1/value itself. All values must be above 0.
nlohmann::ordered_json reciprocal_statistics(std::vector<double> values);

}  // namespace sweep::agentic
