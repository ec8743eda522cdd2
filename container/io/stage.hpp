// `sweep-agent --stage REQUEST`: brings an image to this node, so that a container can be started from it.
//
// | runtime        | image of a registry              | squash file                  | directory    |
// |----------------|----------------------------------|------------------------------|--------------|
// | pyxis          | enroot import into the cache     | used as it is                | not possible |
// | enroot         | enroot import, enroot create     | enroot create                | not possible |
// | apptainer      | apptainer pull into the cache    | used as it is                | used as it is|
// | podman, docker | pull into the runtime's store    | not possible                 | podman only  |
// | bwrap          | enroot import, unsquashfs        | unsquashfs                   | used as it is|
//
// A squash file NAME.sqsh in the cache is used as the registry's image, whoever put it there. This is a
// separate process because it waits for disks and networks, which the agent must never do.
#pragma once

#include <string>

namespace sweep::container {

/// Writes reports (report.hpp) to standard output, the last of them Staged or Failed. Returns the exit
/// status: 0 after Staged.
int stage_image(const std::string& request);

}  // namespace sweep::container
