// For the tests of controller/evals: what an evaluation leaves.
#pragma once

#include <string>

#include "controller/evals/eval_set.hpp"
#include "util/json.hpp"

namespace sweep::evals {

using Json = nlohmann::ordered_json;

inline Json sample_meta() {
  return Json::parse(
      R"({"is_multinode": false, "framework": "SGLang", "precision": "FP4", "spec_decoding": "mtp",
      "tp": 4, "conc": 64, "ep": "2", "dp_attention": true, "model": "org/Model", "infmax_model_prefix": "dsr1",
      "hw": "b200", "isl": "8192", "osl": "1024"})");
}

/// Returns a result of lm-eval with these scores of gsm8k.
inline Json sample_result(double strict = 0.9325, double flexible = 0.9401) {
  Json out =
      Json::parse(R"({"results": {"gsm8k": {"alias": "gsm8k", "exact_match_stderr,strict-match": 0.0069,
      "exact_match_stderr,flexible-extract": 0.0065}},
      "configs": {"gsm8k": {"metric_list": [{"metric": "exact_match"}],
                            "filter_list": [{"name": "strict-match"}, {"name": "flexible-extract"}]}},
      "n-samples": {"gsm8k": {"effective": 1319}}, "model_name": null, "lm_eval_version": "0.4.9"})");
  out["results"]["gsm8k"]["exact_match,strict-match"] = strict;
  out["results"]["gsm8k"]["exact_match,flexible-extract"] = flexible;
  return out;
}

}  // namespace sweep::evals
