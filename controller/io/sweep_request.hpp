// What a user asks for when a sweep is checked, started or resumed, and how that becomes an opened sweep:
// reads matrix and profiles, claims the output directory, opens the journal. The command line only fills in a
// SweepRequest.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "controller/io/opening.hpp"
#include "controller/plan/output_pattern.hpp"
#include "controller/plan/plan.hpp"
#include "util/error.hpp"

namespace sweep {

/// The values of the options. Paths are as the user gave them.
struct SweepRequest {
  std::vector<std::string> configs;  // master configuration files; each may be several, separated by commas
  std::string select;                // options of `sweepctl matrix full-sweep` in one string; "": all points
  std::optional<std::int64_t> repeat;  // std::nullopt: 'repeat' of each entry
  std::string output, profile;         // "": the default. `output` may have symbols: %j
  bool resume = false, retry_failed = false, accept_changes = false;
  bool or_start = false;  // with `resume`: if the output directory holds no sweep, start one
};

/// How and where the session was started, other than by its options.
struct SessionOrigin {
  std::string job;  // job and step, "12.0"; "" without Slurm
  std::vector<std::string>
      command;             // srun's or sweepctl's command line, from which the resume command is made
  std::string inside_job;  // id of the job that srun was started in; "": srun made a job for itself
  std::optional<BenchmarkCommand> benchmark = {};  // to be checked; std::nullopt: checked already
  PatternValues values = {};                       // for the symbols in the name of the output directory
};

/// Returns the options that select points: `select`, and --repeat if it was given.
std::string selection_of(const SweepRequest& request);

/// Returns the built-in profile overlaid by the site's, the user's and the `named` file ("": none). Fails,
/// naming file, line and key.
Expected<profile::Profile> load_profiles(const std::string& named);

/// Reads matrix and profiles. Fails with one line that names the file, the value and the remedy. Appends to
/// `warnings`, if given, one line for each thing in the files that has no effect.
Expected<Plan> read_plan(const SweepRequest& request, std::vector<std::string>* warnings = nullptr);

/// Fails if the points name several hardware types that the profile does not map to nodes, or if a name of a file that
/// they would write is too long.
Expected<void> check_plan(const Plan& plan, const SweepRequest& request);

/// Returns read_plan() if it passes check_plan().
Expected<Plan> load_plan(const SweepRequest& request, std::vector<std::string>* warnings = nullptr);

/// Decides whether a request that resumes or starts (`or_start`) resumes. `output` must be a path.
void settle_resume(SweepRequest& request);

/// Fails with the reason for which open_sweep() would refuse to resume, also because of the benchmark, if
/// given. Writes nothing. `output` must be a path.
Expected<void> check_resume(const SweepRequest& request, const std::optional<BenchmarkCommand>& benchmark,
                            Instant now);

/// Opens a new sweep, or the one that `request` resumes. Fails with one line, or, if a changed matrix is
/// refused, with one more for each change. `notes` receives lines for the user.
Expected<OpenedSweep> open_sweep(SweepRequest request, const SessionOrigin& origin, Instant now,
                                 std::vector<std::string>& notes);

}  // namespace sweep
