// The plugin in slurmstepd: runs the agent in place of a step's command, and cleans up after it.
//
// Rules: this happens in task_init, where the process is already the user in the job's cgroup, and only in
// ordinary steps of a sweep. All other tasks are left unchanged, whatever goes wrong here: until it is clear
// that a task belongs to a sweep, nothing is allocated and nothing can fail. After that an error fails the
// task, never the node.
#pragma once

#include "spank_plugin/spank_api.hpp"

namespace sweep::plugin::remote {

/// Executes `AGENT -- COMMAND…` if this task belongs to a sweep, otherwise returns. On failure it writes the
/// reason to the task's stderr and ends the task with status 127 (program not found) or 126, as a shell does.
/// `options` are the registered ones in the order of OptionId; `count` and `words` are the arguments of
/// plugstack.conf.
void task_starts(spank_t spank, spank_option* options, int count, char** words) noexcept;

/// Removes the variables that srun's part of the plugin has named (SWEEP_ENV_UNSET) from the environment of
/// the step's tasks. Allocates nothing. Called as early as possible, before pyxis reads its variables.
void drop_stale_variables(spank_t spank) noexcept;

/// Remembers whether the step belongs to a sweep, and whether it is a batch script that starts none although its
/// sbatch was given the options: at the step's end Slurm does not provide its options any more.
void step_starts(spank_t spank, spank_option* options) noexcept;

/// Runs `AGENT --tidy` as the step's user, for at most kTidySeconds. It ends what an agent that was killed
/// has left running, such as a container of a daemon, or processes that have left their session. Errors are
/// ignored. After a batch script that has started no sweep it prints that.
void step_ends(spank_t spank, int count, char** words) noexcept;

inline constexpr unsigned kTidySeconds = 20;

}  // namespace sweep::plugin::remote
