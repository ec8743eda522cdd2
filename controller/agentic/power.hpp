// Power of an agentic run on one node: makes the window from aiperf's files and aggregates as for any other
// result (contract of today's InferenceX, section 10).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "controller/power/one_node.hpp"

namespace sweep::agentic {

struct PowerRequest {
  std::string result_dir;  // of aiperf_artifacts/ and gpu_metrics.csv; gets the window and the sidecar
  std::string agg_result;  // the result of process-agentic, which is changed in place
  std::optional<std::int64_t> expected_gpus;
  bool required = false;  // the status is 1 if power is not valid
};

power::PowerReport aggregate_power(const PowerRequest& request);

}  // namespace sweep::agentic
