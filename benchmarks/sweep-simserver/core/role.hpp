// The part that a process has in a gang, which is the set of processes that serve one benchmark together.
// Pure.
//
// A prefill worker computes prompts. A decode worker generates the tokens of prompts that a prefill worker has
// computed. A router passes each request to a prefill worker and then to a decode worker. The default, Server,
// does all of this in one process.
#pragma once

#include <optional>
#include <string_view>

#include "benchmarks/sweep-simserver/core/request.hpp"

namespace sweep::sim_server {

enum class Role { Server, Prefill, Decode, Router };

/// Returns "server", "prefill", "decode" or "router".
std::string_view name_of(Role role);

/// Returns the role of --role: "prefill", "decode" or "router"; std::nullopt for other words.
std::optional<Role> role_of(std::string_view word);

/// Returns the part of a request that a worker with this role computes. A prefill worker generates one token,
/// without a stream, like the prefill request of vLLM's and sglang's routers; other roles compute everything.
Generation part_of(Role role, Generation generation);

}  // namespace sweep::sim_server
