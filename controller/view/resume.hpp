// The command that goes on with a sweep, made from the one that began it. Pure.
#pragma once

#include <string>
#include <vector>

#include "controller/core/state.hpp"
#include "controller/view/facts.hpp"

namespace sweep::view {

/// The command line `argv` of srun with --sweep-resume, or of sweepctl run with --resume, for the output
/// `directory` (absolute), to be typed anywhere: it begins with cd to `working_directory`. An srun that was
/// started inside a job (`inside_job`, its id) took nodes and GPUs from that; a comment at the end of the
/// line says so. Empty where argv is neither.
std::string resume_command(const std::vector<std::string>& argv, const std::string& directory,
                           const std::string& working_directory, const std::string& inside_job = {});

/// What a person reads when a sweep has ended short of complete: how much is left, and the command. Empty
/// when nothing is left that a resume could do, or when nobody knows the command.
std::string resume_line(const core::State& state, const Facts& facts);

}  // namespace sweep::view
