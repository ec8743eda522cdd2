// `sweep-agent --stage REQUEST`: brings an image to this node, so that a container can be started from it.
//
// | runtime        | a registry's image               | a squash file                | a folder     |
// |----------------|----------------------------------|------------------------------|--------------|
// | pyxis          | enroot import into the cache     | as it is                     | not possible |
// | enroot         | enroot import, enroot create     | enroot create                | not possible |
// | apptainer      | apptainer pull into the cache    | as it is                     | as it is     |
// | podman, docker | pull into its own store          | not possible                 | podman alone |
// | bwrap          | enroot import, unsquashfs        | unsquashfs                   | as it is     |
//
// A squash file NAME.sqsh that somebody has put into the cache counts as the registry's image. Why a process
// of its own: all of this waits for disks and networks, which the agent must never do.
#pragma once

#include <string>

namespace sweep::container {

/// Writes reports (report.hpp) to standard output, the last of them Staged or Failed; 0 after Staged.
int stage_image(const std::string& request);

}  // namespace sweep::container
