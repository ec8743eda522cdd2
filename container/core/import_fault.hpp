// Classifies a failed image import by the tool's last lines of output.
#pragma once

#include <string_view>

namespace sweep::container {

enum class ImportFault {
  Login,        // the registry requires a login. Some registries answer the same if the image does not exist
  NoSuchImage,  // the registry does not have the image
  DiskFull,     // no space left, or a quota is reached; another attempt does not help
  Unclear       // anything else: the network or this node
};

/// Returns what went wrong according to `output`, the output of enroot, podman, docker or apptainer. Only the
/// last lines count, and in them only the wording of a registry's answer: earlier lines are progress output
/// with digests and sizes, and "permission denied" for a file is a problem of this node.
ImportFault import_fault(std::string_view output);

}  // namespace sweep::container
