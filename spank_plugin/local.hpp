// The plugin in srun, sbatch and salloc: it has the request checked before anything is allocated, and keeps
// the sweep's controller as a child of srun.
//
// Rules: without a --sweep option nothing here does anything, and the arguments of plugstack.conf (count,
// words) are not even read. What cannot go on ends the command with status 1 by itself, because a plugin that
// plugstack.conf calls optional has no other way to stop it. No wait is without a deadline.
#pragma once

#include "spank_plugin/options.hpp"
#include "spank_plugin/spank_api.hpp"

namespace sweep::plugin::local {

/// Takes one option as Slurm reports it.
void take_option(OptionId id, const char* value);

/// All options of one component are in. Runs `sweepctl check`; returns only if the command may go on.
void options_complete(int count, char** words);

/// srun has its job and step. Starts `sweepctl serve` and puts its address into srun's environment, from
/// where the tasks get it; returns only if the controller is ready, no sweep was asked for, or this is no
/// ordinary step.
void step_known(spank_t spank, int count, char** words);

/// srun is about to end: tells the controller so and waits until it has written its results, but not for
/// ever.
void command_ends();

}  // namespace sweep::plugin::local
