#include "util/os/standard_streams.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace sweep {

void open_standard_streams() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    // The lowest free number is given, and all below are open. Without close-on-exec: programs need it too.
    if (::fcntl(fd, F_GETFD) < 0) static_cast<void>(::open("/dev/null", O_RDONLY));
  }
}

}  // namespace sweep
