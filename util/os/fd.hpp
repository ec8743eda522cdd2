// Owns a file descriptor and closes it.
#pragma once

#include <unistd.h>

#include <utility>

namespace sweep {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(); }

  /// Returns the descriptor; -1 if there is none. The Fd still owns it.
  int get() const { return fd_; }
  bool open() const { return fd_ >= 0; }
  /// Returns the descriptor and gives up ownership.
  int release() { return std::exchange(fd_, -1); }
  /// Closes the descriptor and takes ownership of `fd`.
  void reset(int fd = -1) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

}  // namespace sweep
