#include "proto/net/accept_gate.hpp"

#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <deque>
#include <mutex>

namespace sweep {

namespace {

constexpr std::uint64_t kOwnDescriptors = 64;
// What a server sends before the peer has shown its key: ZMTP's greeting (64 bytes) and CURVE's WELCOME
// (170). With its READY it is more than 290.
constexpr std::uint64_t kBytesBeforeKey = 256;

std::atomic<std::uint64_t> descriptor_limit{0};  // 0: no limit
std::atomic<std::uint64_t> dropped_connections{0};

/// Connections that had not shown a key when they were last looked at, the oldest first.
struct Connections {
  std::mutex mutex;  // libzmq may have several threads that accept
  std::deque<int> fds;
};

Connections& connections() {
  static Connections all;
  return all;
}

enum class Shown { Key, Nothing, Gone };

/// Returns whether the peer of a connection has shown a key. Gone: the descriptor is closed, or something
/// else.
Shown shown_by(int fd) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return Shown::Gone;
  return info.tcpi_bytes_acked > kBytesBeforeKey ? Shown::Key : Shown::Nothing;
}

/// Closes the oldest connection that has not shown a key, if there is one. libzmq then notices its end.
void drop_oldest_stranger() {
  std::deque<int>& fds = connections().fds;
  while (!fds.empty()) {
    const int fd = fds.front();
    fds.pop_front();
    if (shown_by(fd) != Shown::Nothing) continue;
    ::shutdown(fd, SHUT_RDWR);
    ++dropped_connections;
    return;
  }
}

/// Applies the limits to a connection that was just accepted. Returns its descriptor, or -1 with errno set.
int admit_connection(int fd) {
  const std::uint64_t most = descriptor_limit.load();
  if (fd < 0 || most == 0) return fd;
  const Admittance admittance = admittance_of(fd, most);
  const std::lock_guard lock(connections().mutex);
  std::deque<int>& fds = connections().fds;
  fds.erase(std::remove(fds.begin(), fds.end(), fd), fds.end());  // of an earlier connection
  if (admittance != Admittance::Accept) drop_oldest_stranger();
  if (admittance == Admittance::Refuse) {
    ::close(fd);
    ++dropped_connections;
    errno = ECONNABORTED;
    return -1;
  }
  fds.push_back(fd);
  return fd;
}

}  // namespace

Admittance admittance_of(int fd, std::uint64_t limit) {
  const std::uint64_t own = std::min(kOwnDescriptors, limit / 4);
  const std::uint64_t number = static_cast<std::uint64_t>(std::max(0, fd)), usable = limit - own;
  if (number >= usable) return Admittance::Refuse;
  return number >= usable / 2 ? Admittance::Replace : Admittance::Accept;
}

void limit_connections() {
  rlimit now{};
  if (::getrlimit(RLIMIT_NOFILE, &now) != 0) return;
  descriptor_limit = now.rlim_cur == RLIM_INFINITY ? 0 : static_cast<std::uint64_t>(now.rlim_cur);
}

std::uint64_t connections_dropped() {
  return dropped_connections.load();
}

}  // namespace sweep

extern "C" {

__attribute__((visibility("default"))) int accept4(int fd, sockaddr* address, socklen_t* size, int flags) {
  return sweep::admit_connection(static_cast<int>(::syscall(SYS_accept4, fd, address, size, flags)));
}

__attribute__((visibility("default"))) int accept(int fd, sockaddr* address, socklen_t* size) {
  return accept4(fd, address, size, 0);
}

}  // extern "C"
