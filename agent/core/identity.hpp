// The agent's identity, as it reports it in Hello.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/core/gpus.hpp"
#include "proto/wire/messages.hpp"

namespace sweep::agent {

/// Returns the Hello of an agent with this environment. In a Slurm step the agent is named by job, step and
/// task; else, also in the shell of an allocation, by host and process id. `command` is what follows "--". If
/// that is only this program's own name, Hello has no command, and the agent runs the one that each lease
/// names.
wire::Hello identify(const std::vector<std::string>& environment, const std::string& host, std::int64_t pid,
                     const GpuList& gpus, const std::vector<std::string>& command);

}  // namespace sweep::agent
