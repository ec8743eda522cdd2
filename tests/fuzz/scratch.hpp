// A folder for the files that a target has to read by name: in memory where there is a /dev/shm, since a
// target writes thousands a second. run.sh names one and removes it, also after a finding; alone, a target
// makes its own.
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
      // Several jobs of one run share the folder that was given.
      path_ = std::string(given) + "/" + std::to_string(::getpid());
      require(::mkdir(path_.c_str(), 0700) == 0, "SWEEP_FUZZ_SCRATCH takes a folder", path_);
      return;
    }
    path_ = ::access("/dev/shm", W_OK) == 0 ? "/dev/shm/fuzz-XXXXXX" : "/tmp/fuzz-XXXXXX";
    require(::mkdtemp(path_.data()) != nullptr, "there is a folder for files", path_);
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
  /// Removes what is in the folder.
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
  require(written && ::close(fd) == 0, "a file takes its bytes", path);
}

}  // namespace sweep::fuzz
