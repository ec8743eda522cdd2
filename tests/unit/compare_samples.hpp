// For the tests of controller/compare: a record of InferenceX and a row of its database.
#pragma once

#include "controller/compare/comparison.hpp"
#include "util/json.hpp"

namespace sweep::compare {

using Json = nlohmann::ordered_json;

inline Json sample_record() {
  return Json::parse(R"({"hw": "b200-trt", "conc": 8, "model": "org/Model", "infmax_model_prefix": "DSR1",
      "framework": "TRT", "precision": "FP4", "spec_decoding": "MTP", "disagg": false, "isl": 1024, "osl": 256,
      "is_multinode": false, "tp": 4, "ep": 2, "dp_attention": "true", "tput_per_gpu": 1280.0,
      "median_ttft": 0.2, "median_intvty": 50.0, "median_e2el": 12.0})");
}

inline Json many_nodes_record() {
  Json out = sample_record();
  for (const char* key : {"tp", "ep", "dp_attention"})
    out.erase(key);
  out.update(Json::parse(R"({"is_multinode": true, "hw": "gb200-multinode", "disagg": true, "prefill_tp": 4,
      "prefill_ep": 1, "prefill_dp_attention": "true", "decode_tp": 8, "decode_ep": 2,
      "decode_dp_attention": "false"})"));
  return out;
}

/// Returns a row that is the baseline of sample_record().
inline Json sample_row() {
  return Json::parse(R"({"hardware": "b200", "framework": "trt", "model": "dsr1-0528", "precision": "fp4",
      "spec_method": "mtp", "disagg": false, "is_multinode": false, "prefill_tp": 4, "prefill_ep": 2,
      "prefill_dp_attention": true, "decode_tp": 4, "decode_ep": 2, "decode_dp_attention": true, "isl": 1024,
      "osl": 256, "conc": 8, "date": "2026-08-05", "head_branch": "main", "error": null,
      "metrics": {"tput_per_gpu": 1000, "median_ttft": 0.25, "median_intvty": 50.0, "p99_ttft": 0}})");
}

}  // namespace sweep::compare
