// Files below a directory in which other users may be able to write: a project folder of a group, or a user's
// folder in which root works.
//
// Rules: below `root` no symbolic link is followed, neither as a folder nor as the file itself, so that no
// other user can make this process write elsewhere. Only regular files with a single name are opened, and
// opening never waits, so that a FIFO cannot stop the process. `root` itself may be a link if it belongs to
// this user or to root. `path` is relative to `root` and has no "..". All functions return errors that name
// the file and the reason.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "util/error.hpp"
#include "util/os/fd.hpp"
#include "util/os/files.hpp"

namespace sweep {

/// Opens a file with the given flags of open(2). The descriptor is close-on-exec.
Expected<Fd> open_beneath(const std::string& root, const std::string& path, int flags, unsigned mode = 0644);

/// Appends to a file, which is created if it does not exist.
Expected<void> append_beneath(const std::string& root, const std::string& path, std::string_view bytes);

/// Writes a file as write_file_atomic() does: a link or FIFO of that name is replaced.
Expected<void> write_beneath(const std::string& root, const std::string& path, std::string_view bytes,
                             unsigned mode = 0644, Sync sync = Sync::Yes);

/// Creates a folder and those above it. An existing folder is not an error; a link is.
Expected<void> make_folders_beneath(const std::string& root, const std::string& path);

/// Returns the names in a folder, without "." and ".."; empty if the folder cannot be read or is a link.
std::vector<std::string> names_beneath(const std::string& root, const std::string& path);

/// Removes a file or link. A file that does not exist is not an error.
Expected<void> remove_beneath(const std::string& root, const std::string& path);

/// Removes a folder with everything in it, a file, or a link. A path that does not exist is not an error.
Expected<void> remove_tree_beneath(const std::string& root, const std::string& path);

/// Renames a file. The folders must exist.
Expected<void> rename_beneath(const std::string& root, const std::string& from, const std::string& to);

/// Writes a file atomically, in pieces, like AtomicFile.
class FileBeneath {
 public:
  FileBeneath(const std::string& root, const std::string& path, unsigned mode = 0644, Sync sync = Sync::Yes);
  FileBeneath(const FileBeneath&) = delete;
  FileBeneath& operator=(const FileBeneath&) = delete;
  ~FileBeneath();
  /// Appends to the file. After the first failure this does nothing; finish() returns the error.
  void write(std::string_view bytes);
  /// Syncs the file and gives it its name. Call it once.
  Expected<void> finish();

 private:
  void flush();
  void write_now(std::string_view bytes);
  std::string shown_, name_, temporary_, buffer_;
  Sync sync_;
  Fd folder_, fd_;
  Expected<void> state_;  // the first failure
};

}  // namespace sweep
