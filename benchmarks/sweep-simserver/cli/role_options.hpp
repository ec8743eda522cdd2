// The options for processes of a gang: roles, the rendezvous of several processes, the router's workers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "benchmarks/sweep-simserver/io/settings.hpp"
#include "util/command_line.hpp"
#include "util/error.hpp"

namespace sweep::sim_server {

/// Option values as given.
struct RawRoleOptions {
  std::string role, dist_init_addr;
  std::vector<std::string> prefill, decode, worker;
  std::int64_t nnodes = 1, node_rank = 0;
  double rendezvous_seconds = 600;
  double kv_transfer_ms = 0;
};

void add_role_options(CommandLine& app, RawRoleOptions& raw);

/// Checks the options and stores them in `out`, whose other settings must be complete. Fails with the option
/// and the remedy if options cannot be combined.
Expected<void> set_role(const CommandLine& app, const RawRoleOptions& raw, Settings& out);

}  // namespace sweep::sim_server
