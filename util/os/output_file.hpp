// Writes files that the user named, such as the result of a benchmark.
//
// Rules, as a shell's `>` has them, but atomic where that is possible:
// - A regular file, or a path at which there is none, is replaced atomically. It keeps its mode, and its
//   owner
//   if this process may set it.
// - A symbolic link is followed: the file that it leads to is replaced, and the link stays. Root follows only
//   its own links.
// - A device, a FIFO or a terminal is written to.
// - A descriptor of this process (/dev/stdout, /proc/self/fd/5) is written to at its present position, also
//   if
//   this user could not open the file behind it.
// - A regular file that cannot be replaced, because its directory is not writable or it is a mount point, is
//   written in place.
// Files that programs name themselves use AtomicFile, which follows nothing.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "util/error.hpp"
#include "util/os/fd.hpp"
#include "util/os/files.hpp"

namespace sweep {

class OutputFile {
 public:
  /// Opens the file for writing. The error, if any, is returned by finish(). Temporary files that killed
  /// processes left for the same path are removed.
  explicit OutputFile(const std::string& path, unsigned mode = 0644, Sync sync = Sync::Yes);
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  /// Appends to the file. After the first failure this does nothing. May block if the file is a FIFO or a
  /// terminal without a reader.
  void write(std::string_view bytes);
  /// Completes the file. Call it once. Returns an error that names the path, the reason and the remedy.
  Expected<void> finish();

 private:
  std::string path_;
  std::optional<AtomicFile> replacement_;  // exactly one of the two is used
  Fd in_place_;
  std::optional<Error> error_;
  int code_ = 0;  // errno of the first failure of a write in place
};

/// Writes a whole file like OutputFile. Returns an error that names the path, the reason and the remedy.
Expected<void> write_output_file(const std::string& path, std::string_view bytes, unsigned mode = 0644,
                                 Sync sync = Sync::Yes);

/// Opens `path` for writing if it is a FIFO; returns an Fd without a descriptor if it is not. As long as the Fd
/// exists, the process that reads the FIFO waits for what an OutputFile writes. Returns an error if no process
/// reads the FIFO. That may change soon, because readers and writers are often started together.
Expected<Fd> hold_fifo(const std::string& path);

/// Checks whether `path` could be written now, for programs that write it much later: that its directory
/// exists and is writable, its name is not too long, and a descriptor is open for writing. Changes nothing.
/// Returns the error that a write would return.
Expected<void> check_output_file(const std::string& path);

}  // namespace sweep
