// What a result's record says beside the metrics: what the GPUs took, and where it came from. Pure.
//
// Rule: all of it follows from plan, state and facts, so that a record can be written again at any time.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "controller/core/state.hpp"
#include "controller/plan/plan.hpp"
#include "controller/view/facts.hpp"

namespace sweep::view {

/// Puts behind the keys of a processed result `telemetry` (where GPUs were sampled) and `provenance`. `ref`:
/// an attempt that the state has, and which has ended. `output_tokens`: of the client's result; for the
/// energy of one, where they are more than 0.
void describe_result(nlohmann::ordered_json& record, const Plan& plan, const core::State& state,
                     const Facts& facts, const core::AttemptRef& ref, std::int64_t output_tokens);

/// Whether a variable of this name may hold what must not be shown: one of its words (between underscores)
/// ends with TOKEN, SECRET, PASSWORD, PASSWD, APIKEY or CREDENTIALS, or is KEY.
bool is_secret(std::string_view name);

}  // namespace sweep::view
