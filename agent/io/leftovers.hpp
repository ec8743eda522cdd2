// Processes that a step's agents have left behind on the node.
#pragma once

#include <string>
#include <vector>

#include "util/time.hpp"

namespace sweep::agent {

/// Kills processes that attempts of this step have left behind: processes of this user whose environment
/// contains an attempt's mark and the job, step and node that `environment` names. Repeats until none is
/// left, for `patience` at most. Meant for the end of a step, when none of its agents is left on the node: an
/// agent that was killed has ended no process, and without cgroups Slurm does not find processes that have
/// left their session. Returns the number of killed processes; 0 if `environment` does not name a step.
int kill_leftovers(const std::vector<std::string>& environment, Millis patience);

}  // namespace sweep::agent
