// Checks that the processes of a simulated agent never share GPUs or ports.
#pragma once

#include <string>
#include <vector>

#include "agent/core/actions.hpp"

namespace sweep::sim {

/// A running benchmark or server. A client uses its server's port, and may use its GPUs.
struct GpuUser {
  std::string who;
  int port = 0;
  int gpus = 0;
  std::string devices;     // value of CUDA_VISIBLE_DEVICES; empty without packing
  bool is_client = false;  // a client of the server at this port
};

/// Return PORT (0 if not set) and CUDA_VISIBLE_DEVICES ("" if not set) from the environment of a process.
int port_of(const agent::Spawn& what);
std::string devices_of(const agent::Spawn& what);

/// Throws Violation if `fresh` may not run at the same time as `others`. `gpus`: number of the agent's GPUs.
void check_exclusive(const GpuUser& fresh, const std::vector<GpuUser>& others, int gpus, bool pack);

}  // namespace sweep::sim
