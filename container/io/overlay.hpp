// `sweep-agent --overlay LOWER UPPER WORK ROOT -- COMMAND…`: the folder LOWER at ROOT, where what is written
// goes to UPPER, for COMMAND and what it starts alone. An ordinary user can do this in a user namespace since
// Linux 5.11.
#pragma once

#include <string>
#include <vector>

namespace sweep::container {

/// Does not return where all goes well. Where the kernel does not let an overlay be mounted, ROOT is LOWER
/// without the right to write, and a line says so. Otherwise prints why not and returns an exit status.
int overlay(const std::vector<std::string>& words);

}  // namespace sweep::container
