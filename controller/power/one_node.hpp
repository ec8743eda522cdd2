// Power of a result on one node: reads the GPU monitor's file and the client's result, and writes power into the
// processed result and a sidecar (contract of today's InferenceX, section 8).
//
// Every failure is a reason in the sidecar, so the caller only prints the lines and uses the status. Files are
// read in pieces and written whole: a temporary file that is renamed.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace sweep::power {

/// Returns the value of an environment variable; std::nullopt if it is not set.
using Variables = std::function<std::optional<std::string>(const char* name)>;

/// Returns whether REQUIRE_POWER is 1, true or yes, in any case.
bool power_required(const Variables& variables);

/// Returns the path of the GPU monitor's file: the first of $GPU_METRICS_CSV, gpu_metrics.csv and
/// /workspace/gpu_metrics.csv that exists; if none does, the first that is set.
std::string gpu_metrics_file(const Variables& variables);

struct OneNodeRequest {
  std::string csv = "/workspace/gpu_metrics.csv";  // of the GPU monitor
  std::string bench_result;                        // the client's JSON: window and counts
  std::string agg_result;                          // the processed result, which is changed in place
  std::optional<std::int64_t> expected_gpus;       // std::nullopt: any number
  std::string sidecar;                             // "": power_validation_<stem>.json beside bench_result
  bool required = false;                           // the status is 1 if power is not valid
};

struct PowerReport {
  bool valid = false;
  std::vector<std::string> reasons;  // why not, in order of discovery
  int status = 0;                    // 1: power is required and not valid
  std::string out, err;              // complete lines for standard output and standard error
};

PowerReport aggregate_one_node(const OneNodeRequest& request);

}  // namespace sweep::power
