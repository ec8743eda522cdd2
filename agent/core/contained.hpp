// Turns a lease's container into requests to the helpers: what to stage, and how to start a command in it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/core/environment.hpp"
#include "agent/core/setup.hpp"
#include "container/core/report.hpp"
#include "container/core/request.hpp"

namespace sweep::agent {

/// Returns true if the lease has a container.
inline bool has_container(const ContainerSpec& spec) {
  return !spec.runtime.empty();
}

/// Returns the request that stages the container's image. Fails if this agent does not support its runtime or
/// a mount.
Expected<container::StageRequest> stage_request(const Setup& setup, const ContainerSpec& spec);

/// A command to run in a container.
struct Inside {
  std::vector<std::string> argv;
  std::string directory;  // the workspace on the node, absolute
  wire::AttemptRef ref;   // the attempt or server that runs it
  Variables variables;    // of the lease and for the GPUs: all of them are passed into the container
};

/// Returns the `sweep-agent --contain …` command. stage_request() must have accepted `spec`.
std::vector<std::string> contained_command(const Setup& setup, const ContainerSpec& spec,
                                           const container::Staged& staged, const Inside& what);

/// Returns the path inside the container: a path below the workspace becomes one below workdir.
std::string path_inside(const std::string& path, const std::string& directory, const std::string& workdir);

}  // namespace sweep::agent
