// What /proc says of the machine's processes.
#pragma once

#include <sys/types.h>

#include <vector>

namespace sweep {

/// All processes that are to be seen, but for init and this one.
std::vector<pid_t> other_processes();

}  // namespace sweep
