// Reads what `sweepctl process-result` is told by environment variables. Pure: the caller looks them up.
//
// Two generations of process_result.py share the command. Rule: the environment is that of InferenceX (2026)
// if it has at least one variable that only that one reads (SPEC_DECODING, DISAGG, MODEL_PREFIX,
// IS_MULTINODE, …), or if it has none of the variables by which InferenceMAX (2025) is told the parallelism
// (TP, EP_SIZE, …). Else it is that of InferenceMAX. So an incomplete environment gets the messages of the
// generation that it is part of. Whether a value is empty does not matter: a CI job sets variables that it
// has no value for to "".
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "controller/report/inferencex_record.hpp"
#include "controller/report/process_result.hpp"

namespace sweep::report {

/// Returns the value of an environment variable; std::nullopt if it is not set.
using Lookup = std::function<std::optional<std::string>(const char* name)>;

enum class Generation { InferenceMax, InferenceX };

struct FoundGeneration {
  Generation generation;
  std::vector<std::string> signs;  // the variables that decided; empty if only their absence did
};

/// Returns the generation whose environment this is.
FoundGeneration generation_of(const Lookup& lookup);

/// Reads the variables of InferenceMAX's process_result.py, unchanged.
ResultContext result_context(const Lookup& lookup);

/// Returns one line for each of DISAGG and IS_MULTINODE whose value is neither true, false nor empty. It counts
/// as false, as for the Python tool.
std::vector<std::string> unclear_switches(const Lookup& lookup);

/// Reads the variables of InferenceX's process_result.py. The message names every required variable that is
/// missing, or the variable whose value is wrong.
Expected<InferencexPoint> inferencex_point(const Lookup& lookup);

}  // namespace sweep::report
