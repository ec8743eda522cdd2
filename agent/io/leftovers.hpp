// What a step's agents have left on the node when the step has ended there.
#pragma once

#include <string>
#include <vector>

#include "util/time.hpp"

namespace sweep::agent {

/// Kills what attempts of this very step have left behind: processes of this user that were started with an
/// attempt's mark and with the job, step and node that `environment` has, until none is left, `patience` at
/// most. For the end of the step, when no agent of it is on the node any more: an agent that was killed has
/// ended nothing, and Slurm without cgroups loses sight of what has left its session. How many there were; 0
/// where `environment` does not say which step it is.
int end_left_behind(const std::vector<std::string>& environment, Millis patience);

}  // namespace sweep::agent
