// Whether other jobs may use the nodes of a sweep's job. Results from such nodes are not valid (`node-shared`).
// Pure.
#pragma once

#include <string>
#include <string_view>

#include "controller/plan/plan.hpp"

namespace sweep {

/// Returns true if other jobs may run on the nodes of a job with this OverSubscribe value in Slurm. False if
/// the value is unknown ("").
bool is_shared(std::string_view sharing);

/// Returns the reason against a result: "other jobs may run on the nodes of job 12 (OverSubscribe=OK); …".
std::string shared_nodes_text(const std::string& job, const std::string& sharing);

/// Returns one line that warns of shared nodes; "" if the nodes are not shared, if no point needs GPUs, or if
/// the profile ignores node-shared.
std::string shared_nodes_note(const Plan& plan, const std::string& job, const std::string& sharing);

/// Returns the OverSubscribe value in the output of `scontrol -o show job`; "" if it is missing.
std::string oversubscribe_in(std::string_view scontrol_output);

}  // namespace sweep
