// Adds telemetry and provenance to a result's record. Pure functions.
//
// Rules: everything is derived from plan, state and facts, so that a record can be written again at any time.
// Environment, commands and images contain no secret (util/recorded.hpp), because records are published.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "controller/core/state.hpp"
#include "controller/plan/plan.hpp"
#include "controller/view/facts.hpp"

namespace sweep::view {

/// Appends the keys `telemetry` (if GPUs were sampled) and `provenance` to a processed result. No-op if the
/// state has no attempt `ref`; the attempt must have ended. `output_tokens`: from the client's result, for
/// the energy per output token; 0: the key is omitted.
void describe_result(nlohmann::ordered_json& record, const Plan& plan, const core::State& state,
                     const Facts& facts, const core::AttemptRef& ref, std::int64_t output_tokens);

}  // namespace sweep::view
