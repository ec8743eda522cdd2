// Power of a result on several nodes: reads a dcgm-power package and the client's result, and writes power into
// the processed result and a sidecar (contract of today's InferenceX, section 9).
#pragma once

#include <cstdint>
#include <string>

#include "controller/power/one_node.hpp"

namespace sweep::power {

struct ManyNodesRequest {
  std::string power_dir = "LOGS/power";  // of manifest.json, samples.csv and windows/
  std::string logs_root = "LOGS";        // the result paths of windows are relative to it
  std::string bench_result;              // the client's JSON
  std::string agg_result;                // the processed result, which is changed in place
  std::int64_t prefill_gpus = 0, decode_gpus = 0;
  std::string producer_commit;  // of the program that recorded the package; "": not known, so not valid
  std::string sidecar;          // "": power_validation_<stem>.json beside bench_result
  bool required = false;        // the status is 1 if power is not valid
};

/// Returns a request with POWER_ARTIFACT_DIR, POWER_RESULT_ROOT, POWER_PRODUCER_SHA and REQUIRE_POWER.
ManyNodesRequest many_nodes_request(const Variables& variables);

PowerReport aggregate_many_nodes(const ManyNodesRequest& request);

}  // namespace sweep::power
