// What the words of an import that failed say about whose fault that is.
#pragma once

#include <string_view>

namespace sweep::container {

enum class ImportFault {
  Login,  // the registry wants one; or, as registries that do not tell these apart say, there is no such
          // image
  NoSuchImage,  // the registry has none
  DiskFull,     // or a quota reached: trying again does not help
  Unclear       // anything else: the network's, this node's
};

/// `output`: what enroot, podman, docker or apptainer printed. Only its last lines count, and of them only
/// words of a registry's answer: what stands before is progress, with digests and sizes in it, and a file
/// that may not be written is this node's matter.
ImportFault import_fault(std::string_view output);

}  // namespace sweep::container
