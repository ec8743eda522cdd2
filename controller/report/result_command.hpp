// sweepctl process-result: makes the record of one result, of the generation that the environment belongs to.
#pragma once

#include <functional>
#include <string>

#include "controller/report/command_output.hpp"
#include "controller/report/result_environment.hpp"

namespace sweep::report {

/// The files of the step that adds measured power to a record of InferenceX.
struct PowerRequest {
  InferencexPoint point;
  std::string result_path;   // the client's result
  std::string agg_path;      // the record, which the step rewrites
  std::string sidecar_path;  // where the step explains what it found
};

/// Adds measured power to the record in `agg_path`. Its status is 1 only if power was required
/// (REQUIRE_POWER) and is not valid.
using PowerStep = std::function<CommandOutput(const PowerRequest&)>;

/// Reads <RESULT_FILENAME>.json, writes the record to agg_<RESULT_FILENAME>.json, for InferenceX runs `power`
/// (unless it is empty), and prints the record.
CommandOutput run_process_result(const Lookup& lookup, const PowerStep& power = nullptr);

}  // namespace sweep::report
