// Limits how many descriptors connections to the controller may use.
//
// libzmq accepts connections by itself, as long as there are descriptors. So this source defines accept4()
// and accept(), which libzmq then calls instead of libc's. It relies on the kernel's rule that a new
// descriptor has the lowest free number: a connection with number n means that n others are in use.
//
// Rules: the last descriptors are never used for connections; they are for the sweep's own files and
// processes. In the upper half of the rest each new connection replaces the oldest one that has not shown a
// key. So connections of strangers never keep agents out, and those of agents are never closed.
#pragma once

#include <cstdint>

namespace sweep {

/// What happens to an accepted connection.
enum class Admittance {
  Accept,
  Replace,  // accept it, and close the oldest connection that has not shown a key
  Refuse,   // close it at once
};

/// Returns what happens to the connection with descriptor `fd` if the process may have `limit` descriptors.
/// Pure.
Admittance admittance_of(int fd, std::uint64_t limit);

/// From now on connections are limited by the process's present limit of descriptors (RLIMIT_NOFILE). Call it
/// before the first socket is bound. Until then nothing is limited.
void limit_connections();

/// Returns how many connections were refused or replaced.
std::uint64_t connections_dropped();

}  // namespace sweep
