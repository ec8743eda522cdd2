// sweepctl process-agentic: makes the result of an agentic run from aiperf's files (contract of today's
// InferenceX, section 10).
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "controller/agentic/environment.hpp"

namespace sweep::agentic {

struct CommandLines {
  int status = 0;
  std::string out, err;  // complete lines for standard output and standard error
};

/// Reads the files in $RESULT_DIR and writes $AGENTIC_OUTPUT_DIR/$RESULT_FILENAME.json. The status is 1 if nothing
/// was written, or if `need_requests` and no request succeeded.
CommandLines process_agentic(const Variables& variables, bool need_requests);

/// Returns the value with its floats rounded to five places; whole ones of at least 1 become integers. Pure.
nlohmann::ordered_json rounded(const nlohmann::ordered_json& value);

/// Returns what is printed about a rounded result after its path. Pure.
std::string result_lines(const nlohmann::ordered_json& result);

}  // namespace sweep::agentic
