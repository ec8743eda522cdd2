// Who has which GPUs and ports of a simulated node's agent: at no time two of them the same.
#pragma once

#include <string>
#include <vector>

#include "agent/core/actions.hpp"

namespace sweep::sim {

/// A benchmark or a server that runs. A client has its server's port, and may have its GPUs.
struct GpuUser {
  std::string who;
  int port = 0;
  int gpus = 0;
  std::string devices;     // as CUDA_VISIBLE_DEVICES names them; empty without packing
  bool is_client = false;  // of the server at this port
};

/// What the environment of a process says: PORT, 0 where it has none, and CUDA_VISIBLE_DEVICES.
int port_of(const agent::Spawn& what);
std::string devices_of(const agent::Spawn& what);

/// Throws Violation where `fresh` has no room beside `others`. `gpus`: all that the agent has.
void check_exclusive(const GpuUser& fresh, const std::vector<GpuUser>& others, int gpus, bool pack);

}  // namespace sweep::sim
