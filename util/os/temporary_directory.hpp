// A directory of this process in TMPDIR, for files that another program reads or writes.
#pragma once

#include <string>

#include "util/error.hpp"

namespace sweep {

/// Readable only by this user. The destructor removes it with everything in it.
class TemporaryDirectory {
 public:
  /// Creates a directory whose name begins with `prefix`.
  static Expected<TemporaryDirectory> make(const std::string& prefix);
  TemporaryDirectory(TemporaryDirectory&& other) noexcept;
  TemporaryDirectory& operator=(TemporaryDirectory&&) = delete;
  ~TemporaryDirectory();

  const std::string& path() const { return path_; }

 private:
  explicit TemporaryDirectory(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace sweep
