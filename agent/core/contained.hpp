// A lease's container as requests to the helpers: what to stage, and how a command is started in it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/core/environment.hpp"
#include "agent/core/setup.hpp"
#include "container/core/report.hpp"
#include "container/core/request.hpp"

namespace sweep::agent {

/// Whether a lease has a container at all.
inline bool has_container(const ContainerSpec& spec) {
  return !spec.runtime.empty();
}

/// Fails on a runtime or a mount that this agent does not know.
Expected<container::StageRequest> stage_request(const Setup& setup, const ContainerSpec& spec);

/// What is to run where.
struct Inside {
  std::vector<std::string> argv;
  std::string directory;  // the workspace on the node, absolute
  wire::AttemptRef ref;   // whose command it is
  Variables variables;    // of the lease and the GPUs: all of them go in
};

/// `sweep-agent --contain …` for a command. `spec` has passed stage_request().
std::vector<std::string> contained_command(const Setup& setup, const ContainerSpec& spec,
                                           const container::Staged& staged, const Inside& what);

/// The path as it is inside: a path below the workspace becomes one below workdir.
std::string path_inside(const std::string& path, const std::string& directory, const std::string& workdir);

}  // namespace sweep::agent
