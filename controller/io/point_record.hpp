// The processed result of a point of InferenceX, made from what its benchmark left. Pure.
#pragma once

#include "controller/plan/plan.hpp"
#include "util/error.hpp"
#include "util/json.hpp"

namespace sweep {

/// Returns the record of a serving client's result for a point of InferenceX with fixed lengths. Fails if a value is
/// missing or not a number; the message names it.
Expected<nlohmann::ordered_json> fixed_length_record(const Point& point,
                                                     const nlohmann::ordered_json& result);

/// Returns the record that an agentic benchmark left itself. Fails if it is not one, or if no request succeeded.
Expected<nlohmann::ordered_json> agentic_record(std::string_view bytes);

}  // namespace sweep
