// A directory for files that a target has to read by name: in memory if there is a /dev/shm, because a target
// writes thousands of files per second. run.sh creates a parent directory and removes it, also after a
// finding; without run.sh, a target creates its own.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

#include "tests/fuzz/property.hpp"

namespace sweep::fuzz {

class Scratch {
 public:
  Scratch() {
    if (const char* given = std::getenv("SWEEP_FUZZ_SCRATCH"); given != nullptr) {
      // Several jobs of one run share the given directory.
      path_ = std::string(given) + "/" + std::to_string(::getpid());
      require(::mkdir(path_.c_str(), 0700) == 0, "a directory can be created in SWEEP_FUZZ_SCRATCH", path_);
      return;
    }
    path_ = ::access("/dev/shm", W_OK) == 0 ? "/dev/shm/fuzz-XXXXXX" : "/tmp/fuzz-XXXXXX";
    require(::mkdtemp(path_.data()) != nullptr, "a directory for files can be created", path_);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string path(std::string_view name = {}) const {
    return name.empty() ? path_ : path_ + "/" + std::string(name);
  }
  /// Removes the contents of the directory.
  void clear() const {
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(path_, ignored))
      std::filesystem::remove_all(entry.path(), ignored);
  }

 private:
  std::string path_;
};

inline void put_file(const std::string& path, std::string_view bytes, unsigned mode = 0600) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  const bool written =
      fd >= 0 && ::write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size());
  require(written && ::close(fd) == 0, "a file can be written", path);
}

}  // namespace sweep::fuzz
