// Matrix entries and plans for the tests of controller/plan and controller/view.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "controller/plan/plan.hpp"
#include "util/json.hpp"

namespace sweep {

using nlohmann::ordered_json;

/// An entry as `sweepctl matrix full-sweep` prints it.
inline ordered_json sample_entry(int tp, int conc, const std::string& framework = "sglang") {
  return {{"image", "lmsysorg/sglang:v0.5.3rc1-cu129-b200"},
          {"model", "nvidia/DeepSeek-R1-0528-FP4-V2"},
          {"precision", "fp4"},
          {"framework", framework},
          {"runner", "b200"},
          {"isl", 1024},
          {"osl", 8192},
          {"tp", tp},
          {"conc", conc},
          {"max-model-len", 9416},
          {"ep", 1},
          {"dp-attn", false},
          {"exp-name", "dsr1_1k8k"}};
}

inline Plan sample_plan(const std::vector<ordered_json>& entries, profile::Profile profile = {}) {
  auto plan = make_plan(entries, std::move(profile));
  EXPECT_TRUE(plan) << plan.error().message;
  return plan ? std::move(*plan) : Plan{};
}

}  // namespace sweep
