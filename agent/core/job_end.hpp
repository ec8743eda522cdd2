// When Slurm ends the agent's job, and whether other jobs may use its nodes: how to ask, and how to parse the
// answer.
//
// Rules: in each step only the agent of the first task asks. The controller applies the answer to all agents
// of the job, so that a job of 1,000 nodes costs slurmctld one request. If Slurm passes the end in each
// task's environment (SLURM_JOB_END_TIME; version 22.05 does not), that value is used until the answer comes,
// and if none comes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/wire/messages.hpp"
#include "util/error.hpp"
#include "util/time.hpp"

namespace sweep::agent {

/// Returns SLURM_JOB_END_TIME of an environment (NAME=value; Unix seconds); std::nullopt if it is not set.
std::optional<Instant> job_end_from(const std::vector<std::string>& environment);

/// Returns the command that asks Slurm; empty if the agent of this Hello should not ask.
std::vector<std::string> job_end_command(const wire::Hello& hello);

/// Returns the environment for that command: `own` without slurm-sweep's variables, and with settings that
/// make it print times in UTC and in the format that parse_end_time() reads, whatever the user has set.
std::vector<std::string> slurm_environment(const std::vector<std::string>& own);

/// Returns Slurm's OverSubscribe value in the command's output: "NO" if no other job may be on the nodes,
/// "OK" if others may. Empty if it is missing.
std::string parse_sharing(std::string_view text);
/// Returns Slurm's version in the output, such as "22.05.8". Empty if it is missing.
std::string parse_slurm_version(std::string_view text);
/// Returns the EndTime (UTC) in the output; std::nullopt if the job has no end (Unknown, None). Fails with
/// the reason on anything else.
Expected<std::optional<Instant>> parse_end_time(std::string_view text);

}  // namespace sweep::agent
