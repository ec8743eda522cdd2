// Builds the command that resumes a sweep from the command that started it. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controller/core/state.hpp"
#include "controller/view/facts.hpp"

namespace sweep::view {

/// Returns the command line `argv` of srun with --sweep-resume, or of sweepctl run with --resume, for the
/// output `directory` (absolute path). It can be typed in any directory, because it begins with cd to
/// `working_directory`. If srun was started inside a job (`inside_job` is its id), it took nodes and GPUs
/// from that job; then a comment at the end of the line says to run it inside such a job. Secrets are
/// replaced (util/recorded.hpp), and srun's --export keeps only names; then the comment says what to supply
/// again. Returns "" if argv is neither srun nor sweepctl run.
std::string resume_command(const std::vector<std::string>& argv, const std::string& directory,
                           const std::string& working_directory, const std::string& inside_job = {});

struct ResumeAdvice {
  std::string what;     // "2 points left; to resume"
  std::string command;  // to be typed
};

/// Returns how many points are left of a sweep that was closed or whose controller has ended, and the command
/// that resumes it; std::nullopt if a resume would have nothing to do or the command is unknown.
std::optional<ResumeAdvice> resume_advice(const core::State& state, const Facts& facts);

/// Returns resume_advice() as a line; "" if there is none.
std::string resume_line(const core::State& state, const Facts& facts);

}  // namespace sweep::view
