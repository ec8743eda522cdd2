// The text that sweep-bench prints at the end: the table of benchmark_serving, then warnings. Pure.
#pragma once

#include <string>

#include "benchmarks/sweep-bench/core/result.hpp"

namespace sweep::client {

std::string format_summary(const Setup& setup, const Metrics& metrics, const ClientReport& client,
                           const std::vector<RequestRecord>& records);

}  // namespace sweep::client
