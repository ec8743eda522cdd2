// What an attempt runs on this agent, and what follows from that alone: its paths, and the start of its processes.
// Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/core/actions.hpp"
#include "agent/core/environment.hpp"
#include "agent/core/server.hpp"
#include "agent/core/setup.hpp"

namespace sweep::agent {

struct Work {
  wire::Lease lease;
  std::vector<std::string> argv;
  std::string directory;             // absolute
  std::vector<std::string> gpus;     // its share of the agent's GPUs; empty if it has all of them
  std::vector<std::string> sampled;  // those of its GPUs that telemetry samples
  Millis kill_grace{0};
  bool needs_server = false;                          // the benchmark is a client of lease.server
  std::optional<container::StageRequest> image = {};  // the image that must be on this node first
  bool contained = false;           // the benchmark runs in the container; false: at most its server does
  std::int64_t artifact_limit = 0;  // Welcome::artifact_limit
  std::string own_folder = {};      // where only this attempt writes, below the directory; empty: none
};

std::string result_path(const Work& work);

/// Returns the value for PWD; empty if the agent's own directory is right.
std::string working_directory(const Work& work);

/// Returns the path at which the attempt has to leave its gpu_metrics.csv if it has no folder of its own; empty if it has
/// to leave none, or if its path is known only in its container.
std::string metrics_path(const Setup& setup, const Work& work);

/// Returns what starts a process of the attempt: the benchmark, or its evaluation. `files`: variables that name
/// the places of its files. `staged`: the attempt's image, if it needs one.
Spawn spawn_of(const Setup& setup, const Work& work, const std::vector<std::string>& argv, int port,
               const Variables& files, const std::optional<container::Staged>& staged);

/// Returns what the server of the attempt has to be.
Server::Plan server_plan(const Work& work, const std::optional<container::Staged>& staged);

}  // namespace sweep::agent
