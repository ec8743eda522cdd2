// sweepctl validate-agentic: checks how many requests of an aiperf run failed (contract of today's InferenceX,
// section 10).
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "controller/agentic/process.hpp"

namespace sweep::agentic {

/// Judges aiperf's summary, read from `path`. The status is 1 if more than `threshold`, a fraction, of the
/// requests failed, or if that cannot be said. Pure.
CommandLines judge_summary(const nlohmann::ordered_json& summary, const std::string& path, double threshold);

/// Reads profile_export_aiperf.json in `folder`, or in its first subfolder that has it, and judges it.
CommandLines validate_agentic(const std::string& folder, double threshold);

}  // namespace sweep::agentic
