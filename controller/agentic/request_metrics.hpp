// What users of an agentic run saw: latencies, throughput and requests per second. Pure.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "controller/agentic/records.hpp"

namespace sweep::agentic {

/// Returns the result's request_metrics. `aggregate`: aiperf's own summary, an object that may be empty.
/// `expected`: the output lengths that the traces recorded, as far as they are known. `gpus`: throughput per GPU
/// is left out if it is not above 0.
nlohmann::ordered_json request_metrics(const Records& records, const nlohmann::ordered_json& aggregate,
                                       const std::vector<std::int64_t>& expected, std::int64_t gpus);

}  // namespace sweep::agentic
