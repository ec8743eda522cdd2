// Points that have no recipe, or no script in a workspace that is visible from this host. It is said before anything is
// allocated what runs them instead, or that they cannot run.
//
// Rules: nothing is written. A workspace that is not on this host may be on the nodes, so that its scripts count as there.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "controller/io/start_checks.hpp"
#include "controller/plan/plan.hpp"
#include "util/error.hpp"

namespace sweep {

struct BenchmarkGaps {
  std::vector<std::string>
      notes;  // one line for each benchmark that a script replaces: which one, for which points
  std::vector<std::string> errors;  // one line for each benchmark that does not exist, with the remedy
  std::size_t broken = 0;           // points that cannot run
  std::size_t runnable =
      0;  // points that may run; gangs are not counted, because this version does not run them
};

/// Compares the plan with the files of this host. `directory` is where srun starts its tasks, which is the workspace of
/// a profile that sets none. Fails if a placeholder in 'workspace' is unknown.
Expected<BenchmarkGaps> find_benchmark_gaps(const Plan& plan, const std::string& directory);

/// Appends the lines to `notes` if the command runs what the profile names. Fails, with the errors as lines, if no point
/// can run.
Expected<void> check_benchmark_gaps(const Plan& plan, const BenchmarkCommand& command,
                                    std::vector<std::string>& notes);

}  // namespace sweep
