// Who the agent is: what it says in Hello.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/core/gpus.hpp"
#include "proto/wire/messages.hpp"

namespace sweep::agent {

/// The Hello of an agent with this environment. In a step of Slurm it is named by job, step and task;
/// elsewhere, also in the shell of an allocation, by host and pid. `command` is what stands after "--"; none
/// of it when that is this program's own name alone, which means: what the lease names.
wire::Hello identify(const std::vector<std::string>& environment, const std::string& host, std::int64_t pid,
                     const GpuList& gpus, const std::vector<std::string>& command);

}  // namespace sweep::agent
