// The requests of the agent to its two helpers: `sweep-agent --stage REQUEST` brings an image to this node,
// `sweep-agent --contain REQUEST` runs one command in a container and waits for its end.
//
// A request is one JSON argument. Every user of the machine can read it, so it contains names of variables
// and never their values. Both ends are the same binary, so the format has no version.
#pragma once

#include <string>
#include <vector>

#include "container/core/runtime.hpp"
#include "proto/base/container_spec.hpp"
#include "util/error.hpp"

namespace sweep::container {

struct StageRequest {
  Runtime runtime = Runtime::None;
  std::string tool, version;  // of a runtime that was tried on this node before; empty: the helper tries it
  std::string node;           // for messages
  ContainerSpec container;    // the fields for ContainerUse::Stage
  friend bool operator==(const StageRequest&, const StageRequest&) = default;
};

struct StartRequest {
  Runtime runtime = Runtime::None;
  std::string tool;                          // the runtime's program
  std::string name;                          // of the container; unique on this node
  std::vector<std::string> argv;             // the command
  std::string workspace;                     // directory on the node that is mounted at container.workdir
  std::vector<std::string> image_variables;  // NAME=value of the image, if the runtime does not set them
  std::string gpus;       // vendor of the GPUs to pass through: "nvidia", "amd"; empty: none
  std::string job, node;  // of the surrounding Slurm step
  // The fields for ContainerUse::Start. `image` is the staged image; `names` are variables of the helper's
  // own environment that are passed on.
  ContainerSpec container;
  friend bool operator==(const StartRequest&, const StartRequest&) = default;
};

std::string to_text(const StageRequest& request);
std::string to_text(const StartRequest& request);
/// Parse what to_text() wrote. Return an error that names the field for anything else.
Expected<StageRequest> stage_request_in(const std::string& text);
Expected<StartRequest> start_request_in(const std::string& text);

}  // namespace sweep::container
