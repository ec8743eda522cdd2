// When Slurm ends the agent's job, and whether others may be on its nodes: who knows it, how to ask, and what
// the answer means.
//
// Rules: one agent per step asks, its first task's: the controller applies the answer to all agents of the
// job, so that a job of 1,000 nodes costs slurmctld one request. Where Slurm tells each task the end in its
// environment (SLURM_JOB_END_TIME; 22.05 does not) that holds until the answer, and where there is none.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/wire/messages.hpp"
#include "util/error.hpp"
#include "util/time.hpp"

namespace sweep::agent {

/// SLURM_JOB_END_TIME of an environment (NAME=value), Unix seconds.
std::optional<Instant> job_end_in(const std::vector<std::string>& environment);

/// The command that tells, where the agent of this Hello is to ask; else empty.
std::vector<std::string> job_end_question(const wire::Hello& hello);

/// `own` as that command gets it: without anything of ours, and such that it prints times in UTC and in the
/// form that end_time_in reads, whatever the user has set.
std::vector<std::string> environment_for_slurm(const std::vector<std::string>& own);

/// What Slurm says of the job's nodes in what that command prints: "NO" where no other job may be on them,
/// "OK" where others may. Empty where it says nothing.
std::string sharing_in(std::string_view text);
/// Slurm's version in it, "22.05.8". Empty where it says none.
std::string slurm_version_in(std::string_view text);
/// The EndTime in it, in UTC; nothing where the job has no end (Unknown,
/// None). Fails, with the reason, on anything else.
Expected<std::optional<Instant>> end_time_in(std::string_view text);

}  // namespace sweep::agent
