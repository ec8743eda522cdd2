// `sweep-agent --overlay LOWER UPPER WORK ROOT -- COMMAND…`: mounts the directory LOWER at ROOT, with changes
// going to UPPER, and runs COMMAND. Only COMMAND and its children see the mount. Since Linux 5.11 ordinary
// users can do this in a user namespace.
#pragma once

#include <string>
#include <vector>

namespace sweep::container {

/// Replaces this process with COMMAND. If the kernel does not allow the overlay, ROOT is LOWER mounted
/// read-only, and a warning is printed. On any other failure prints the reason and returns an exit status.
int overlay(const std::vector<std::string>& words);

}  // namespace sweep::container
