#include "util/os/temporary_directory.hpp"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "util/os/files.hpp"

namespace sweep {

Expected<TemporaryDirectory> TemporaryDirectory::make(const std::string& prefix) {
  std::error_code code;
  std::string path = (std::filesystem::temp_directory_path(code) / (prefix + "XXXXXX")).string();
  if (::mkdtemp(path.data()) == nullptr) return fail("cannot create '" + path + "': " + errno_text(errno));
  return TemporaryDirectory(std::move(path));
}

TemporaryDirectory::TemporaryDirectory(TemporaryDirectory&& other) noexcept
    : path_(std::exchange(other.path_, {})) {}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

}  // namespace sweep
