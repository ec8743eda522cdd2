// Turns one result of the serving client (benchmark_serving's JSON) into a processed result of InferenceX
// (August 2026; process_result.hpp has that of InferenceMAX). Pure: the caller describes the point.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "util/error.hpp"
#include "util/json.hpp"

namespace sweep::report {

/// How one server is spread over GPUs. It needs tp * pp * pcp of them; dcp and ep add none.
struct ParallelSizes {
  std::int64_t tp = 1, pp = 1, dcp = 1, pcp = 1, ep = 1;
  std::string dp_attention;  // "true" or "false"

  std::int64_t gpus() const { return tp * pp * pcp; }
};

/// The servers of one role, prefill or decode.
struct Workers {
  ParallelSizes sizes;        // of each of them
  std::int64_t count = 0;     // number of servers
  std::int64_t gpus = 0;      // of all of them together, by which throughput is divided
  std::string hardware = {};  // empty: that of the point
};

struct OneNode {
  ParallelSizes sizes;
};

struct ManyNodes {
  Workers prefill, decode;
};

/// What a record says about its point beside the measured values.
struct InferencexPoint {
  std::string hw, image, model_prefix, framework, precision, spec_decoding;
  std::string recipe_fingerprint;  // may be empty
  bool disagg = false;
  std::int64_t isl = 0, osl = 0;     // tokens
  nlohmann::ordered_json router;     // an object with name and version, its keys in their order; null if none
  std::string kv_p2p_transfer = {};  // empty: none
  std::variant<OneNode, ManyNodes> placement;
};

/// Returns an error, in the contract's words, if no record can be made of any result of such a point: a size
/// or number of GPUs below 1, only one of both hardware names, or prefill and decode apart on one node.
Expected<void> check_point(const InferencexPoint& point);

/// Returns the processed result with its keys in the contract's order. Throughputs are in tokens per second
/// and GPU, times in seconds. A result of a stand-in (stand_in.hpp) also has the key `stand_in`, the last
/// one. Fails if check_point() or required_values() does.
///
/// One node: tput_per_gpu = total_token_throughput / (tp * pp * pcp), likewise output_tput_per_gpu and
/// input_tput_per_gpu. Many nodes: total / (P + D), output / D (without decode GPUs: / P), (total - output) /
/// P.
Expected<nlohmann::ordered_json> inferencex_record(const InferencexPoint& point,
                                                   const nlohmann::ordered_json& result);

}  // namespace sweep::report
