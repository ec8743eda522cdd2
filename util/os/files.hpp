// Whole files in and out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "util/error.hpp"
#include "util/os/fd.hpp"
#include "util/text.hpp"

namespace sweep {

/// The text of errno value `code`: "No such file or directory".
std::string errno_text(int code);

/// All of a regular file. Fails, naming the path and the reason, when it cannot be read, is no regular file,
/// or is larger than `max_bytes`.
Expected<std::string> read_file(const std::string& path, std::size_t max_bytes);

/// The same, piece by piece.
Expected<void> read_file(const std::string& path, std::size_t max_bytes, const Sink& take);

/// Writes all of it to a descriptor that blocks, where it stands. Returns 0, or errno of what went wrong;
/// some may have been written then.
int write_all(int fd, std::string_view bytes);

/// Whether a written file must outlive a crash of the machine; No: for what can be made again.
enum class Sync { No, Yes };

/// Writes a temporary file beside `path`, syncs it and renames it over `path`, so that a reader sees the old
/// file or the new one and never a part. Fails, naming the path and the reason.
Expected<void> write_file_atomic(const std::string& path, std::string_view bytes, unsigned mode = 0644,
                                 Sync sync = Sync::Yes);

/// The same of a file that is written piece by piece. Without finish() nothing of it is left.
class AtomicFile {
 public:
  explicit AtomicFile(const std::string& path, unsigned mode = 0644, Sync sync = Sync::Yes);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();
  /// After the first failure nothing more is written; finish() tells.
  void write(std::string_view bytes);
  Expected<void> finish();

 private:
  void flush();
  std::string path_, temporary_, buffer_;
  Sync sync_;
  Fd fd_;
  int code_ = 0;  // errno of the first failure
};

/// Appends to a file, made when absent. Fails, naming the path and the reason.
Expected<void> append_file(const std::string& path, std::string_view bytes);

/// Everything that was written to the file system of `directory` is on disk when it returns: for many files
/// at once. Fails, naming the path and the reason.
Expected<void> sync_file_system(const std::string& directory);

/// `mkdir -p`. Fails, naming the path and the reason.
Expected<void> make_directories(const std::string& path);

/// A path that leads to the running program's own binary, also after an upgrade; "" when /proc does not say.
std::string own_executable();

/// The words that start the running program again, before its arguments: own_executable(), or, where a
/// dynamic loader was told to run it (container/core/step.hpp), that loader with the same libraries.
std::vector<std::string> own_command();

/// This machine's host name.
std::string host_name();

}  // namespace sweep
