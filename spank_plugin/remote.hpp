// The plugin in slurmstepd: it runs the agent in place of a step's command.
//
// Rules: only task_init, which already is the user in the job's cgroup; only ordinary steps of a sweep. All
// other tasks are left as they are.
#pragma once

#include <string>
#include <vector>

#include "spank_plugin/spank_api.hpp"

namespace sweep::plugin::remote {

/// Becomes `AGENT -- COMMAND…` when this task belongs to a sweep, otherwise returns 0. When it cannot, says
/// so on the task's stderr and ends the task with status 127 (no such program) or 126, as a shell does.
/// `config_option` is the registered --sweep-config. Returns -1 when Slurm withholds what is needed.
int task_starts(spank_t spank, spank_option* config_option, const std::vector<std::string>& arguments);

}  // namespace sweep::plugin::remote
