// The plugin in slurmstepd: it runs the agent in place of a step's command, and tidies up after it.
//
// Rules: task_init, which already is the user in the job's cgroup; only ordinary steps of a sweep. All
// other tasks are left as they are, whatever goes wrong here: until it is clear that a task is a sweep's,
// nothing is allocated and nothing can fail. From there on it is the task that fails, never its node.
#pragma once

#include "spank_plugin/spank_api.hpp"

namespace sweep::plugin::remote {

/// Becomes `AGENT -- COMMAND…` when this task belongs to a sweep, otherwise returns. When it cannot, says so
/// on the task's stderr and ends the task with status 127 (no such program) or 126, as a shell does.
/// `options` are the registered ones in the order of OptionId; `count` and `words` the arguments of
/// plugstack.conf.
void task_starts(spank_t spank, spank_option* options, int count, char** words) noexcept;

/// Notes whether the step is a sweep's, which Slurm does not tell any more when it ends.
void step_starts(spank_t spank, spank_option* options) noexcept;

/// The last net under the attempts of a step: runs `AGENT --tidy` as the step's user, which ends what an
/// agent that was killed could not, such as the container of a daemon, or what has left its session. Says
/// nothing, whatever comes of it; kTidySeconds at most.
void step_ends(spank_t spank, int count, char** words) noexcept;

inline constexpr unsigned kTidySeconds = 20;

}  // namespace sweep::plugin::remote
