// The plugin in srun, sbatch and salloc: checks the request before anything is allocated, and runs the
// sweep's controller as a child of srun.
//
// Rules: without a --sweep option nothing here has any effect, and the arguments of plugstack.conf (count,
// words) are not even read. On an error the plugin ends the command itself, with status 1, because a plugin
// that plugstack.conf lists as optional has no other way to stop it. Every wait has a deadline.
#pragma once

#include "spank_plugin/options.hpp"
#include "spank_plugin/spank_api.hpp"

namespace sweep::plugin::local {

/// Takes one option as Slurm reports it.
void take_option(OptionId id, const char* value);

/// Runs `sweepctl check` once all options of one component have been taken. Returns only if the check
/// succeeds.
void options_complete(int count, char** words);

/// Starts `sweepctl serve` once srun has its job and step, and puts the controller's address into srun's
/// environment, from which the tasks get it. Returns only if the controller is ready, no sweep was requested,
/// or this is not an ordinary step.
void step_known(spank_t spank, int count, char** words);

/// Closes the controller's lifeline when srun ends, and waits, up to end-timeout, until it has written its
/// results. If the controller fails, srun exits with status 1 instead of 0.
void command_ends();

}  // namespace sweep::plugin::local
