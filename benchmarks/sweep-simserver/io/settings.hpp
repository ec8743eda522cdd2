// The checked settings of sweep-simserver.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "benchmarks/sweep-simserver/core/engine.hpp"
#include "benchmarks/sweep-simserver/core/faults.hpp"
#include "benchmarks/sweep-simserver/core/rendezvous.hpp"
#include "benchmarks/sweep-simserver/core/role.hpp"
#include "benchmarks/sweep-simserver/core/workers.hpp"

namespace sweep::sim_server {

enum class Pace {
  Model,  ///< as simulated by Engine
  Zero,   ///< as fast as the client reads
  Fixed,  ///< the same latencies for every request
};

struct Settings {
  std::string model;  ///< name of the model in requests
  std::string host = "127.0.0.1";
  std::uint16_t port = 8000;  ///< 0: any free port

  Deployment setup;
  Limits limits;

  Pace pace = Pace::Model;
  Time fixed_ttft{}, fixed_itl{};
  double time_scale = 1.0;     ///< virtual seconds per real second
  double startup_seconds = 0;  ///< in virtual time
  bool stamps = false;
  std::uint64_t seed = 0;
  FaultPlan faults;

  Role role = Role::Server;
  Time kv_transfer{};           ///< of a prefill worker; in virtual time
  std::uint32_t nnodes = 1;     ///< number of processes of this worker
  std::uint32_t node_rank = 0;  ///< of this process
  std::string rendezvous_host;  ///< address on which rank 0 waits for the others
  std::uint16_t rendezvous_port = 0;
  double rendezvous_seconds = 600;  ///< in real time
  SharedOptions shared_options;     ///< must be equal in all ranks
  std::vector<Worker> workers;      ///< of a router
};

}  // namespace sweep::sim_server
