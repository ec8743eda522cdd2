// For the tests of controller/report: a serving client's result and processed results.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "controller/report/documents.hpp"
#include "controller/report/process_result.hpp"
#include "controller/report/row.hpp"
#include "util/json.hpp"

namespace sweep::report {

using Json = nlohmann::ordered_json;

/// A result of benchmark_serving, reduced to the keys that the tests use. Quotients of its numbers are exact.
inline const std::string kClientResult =
    R"({"date": "20251110-120000", "backend": "vllm", "model_id": "org/Model", "num_prompts": 40, )"
    R"("request_rate": "inf", "max_concurrency": 16, "duration": 8.0, "completed": 40, "request_goodput:": null, )"
    R"("output_throughput": 1000.0, "total_token_throughput": 2400.0, "input_lens": [1, 2], )"
    R"("mean_ttft_ms": 150.0, "median_ttft_ms": 125.0, "p99.9_ttft_ms": 300.5, )"
    R"("median_tpot_ms": 8.0, "std_tpot_ms": 0.5, "median_itl_ms": 7.5, "median_e2el_ms": 8125.0})";

inline ResultContext sample_context() {
  ResultContext context;
  context.result_filename = "r";
  context.runner_type = "b200";
  context.framework = "sglang";
  context.precision = "fp4";
  context.tp = "8";
  context.ep = "1";
  context.dp_attention = "false";
  return context;
}

/// Returns the processed result; reports a failure of the test if there is none.
inline Json good(const ResultContext& context, const std::string& bytes = kClientResult) {
  const auto result = process_result(context, bytes);
  EXPECT_TRUE(result) << result.error().message;
  return result.value_or(Json::object());
}

/// Returns kClientResult with `key` set to the value of `json`; without the key if `json` is empty.
inline std::string client_result(const std::string& key, const std::string& json) {
  Json result = Json::parse(kClientResult);
  if (json.empty()) {
    result.erase(key);
  } else {
    result[key] = Json::parse(json);
  }
  return result.dump();
}

struct Measured {
  std::string hw = "b200", framework = "sglang", precision = "fp4", model = "deepseek-ai/DeepSeek-R1-0528";
  int tp = 8, conc = 16;
  double latency = 8, interactivity = 100, throughput = 500;
};

/// Returns a processed result.
inline Document processed(const Measured& m) {
  Json json = {{"hw", m.hw},
               {"tp", m.tp},
               {"ep", 1},
               {"dp_attention", "false"},
               {"conc", m.conc},
               {"model", m.model},
               {"framework", m.framework},
               {"precision", m.precision},
               {"tput_per_gpu", m.throughput},
               {"output_tput_per_gpu", m.throughput / 2},
               {"input_tput_per_gpu", m.throughput / 2},
               {"median_ttft", 0.125},
               {"median_tpot", 1 / m.interactivity},
               {"median_intvty", m.interactivity},
               {"median_e2el", m.latency}};
  return {"", std::move(json)};
}

}  // namespace sweep::report
