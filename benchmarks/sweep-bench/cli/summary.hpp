// What sweep-bench prints at the end: the table of benchmark_serving, and what else people should know. Pure.
#pragma once

#include <string>

#include "benchmarks/sweep-bench/core/result.hpp"

namespace sweep::client {

std::string summary(const Setup& setup, const Metrics& metrics, const ClientReport& client,
                    const std::vector<RequestRecord>& records);

}  // namespace sweep::client
