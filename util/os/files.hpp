// Whole files and directories.
#pragma once

#include <sys/stat.h>

#include <string>
#include <string_view>
#include <vector>

#include "util/error.hpp"
#include "util/os/fd.hpp"
#include "util/text.hpp"

namespace sweep {

/// Returns the text of an errno value: "No such file or directory"; "error 4711" if it is unknown.
std::string errno_text(int code);

// ---- reading

/// Returns the content of a regular file. Returns an error that names the path and the reason if the file
/// cannot be read, is not a regular file, or has more than `max_bytes` bytes.
Expected<std::string> read_file(const std::string& path, std::size_t max_bytes);

/// Reads a file like the function above, but passes it to `take` in pieces. If it returns an error, `take`
/// may already have got a part of the file.
Expected<void> read_file(const std::string& path, std::size_t max_bytes, const Sink& take);

/// Returns the names of a directory's entries, without "." and "..", in no particular order; empty if the
/// directory cannot be read. The whole list is read first, so the caller may change the directory.
std::vector<std::string> names_in(const std::string& folder);

// ---- writing

/// Writes all bytes, and waits until they can be written, also if another process that shares the terminal or
/// pipe has made it non-blocking. Returns 0, or the errno of the failure, after which a part of the bytes may
/// have been written.
int write_all(int fd, std::string_view bytes);

/// Whether a file is synced to disk so that it survives a crash of the machine. No: for files that can be
/// made again.
enum class Sync { No, Yes };

/// Writes a temporary file next to `path`, syncs it and renames it to `path`, so that a reader sees the old
/// file or the complete new one. Returns an error that names the path and the reason; the old file is then
/// unchanged.
Expected<void> write_file_atomic(const std::string& path, std::string_view bytes, unsigned mode = 0644,
                                 Sync sync = Sync::Yes);

/// Returns the name of the temporary file of process `pid` for `path`: "PATH.tmp-PID", with the file's name
/// cut off if the result would be longer than a name may be.
std::string temporary_name(const std::string& path, long pid);

/// Writes a file atomically, in pieces. Without finish() the destructor removes the temporary file and `path`
/// is unchanged. Whatever `path` is, a symbolic link or a device too, it is replaced: use this for files that
/// the program names itself, and OutputFile (util/os/output_file.hpp) for files that the user names.
class AtomicFile {
 public:
  explicit AtomicFile(const std::string& path, unsigned mode = 0644, Sync sync = Sync::Yes);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();
  /// Appends to the file. After the first failure this does nothing; finish() returns the error.
  void write(std::string_view bytes);
  /// Gives the file mode, owner and group of `replaced`, as far as this process may.
  void inherit(const struct stat& replaced);
  /// Locks the temporary file until it is renamed or the process ends, so that other processes can see that
  /// it is in use.
  void lock();
  /// Returns the errno of the first failure; 0 if there was none.
  int error() const { return code_; }
  /// Syncs the file and renames it to its path. Call it once. Returns an error that names the path and the
  /// reason.
  Expected<void> finish();

 private:
  void flush();
  std::string path_, temporary_, buffer_;
  Sync sync_;
  Fd fd_;
  int code_ = 0;  // errno of the first failure
};

/// Appends to a file, which is created if it does not exist. Returns an error that names the path and the
/// reason.
Expected<void> append_file(const std::string& path, std::string_view bytes);

/// Syncs the whole file system that contains `directory`; cheaper than syncing many files one by one. Returns
/// an error that names the path and the reason.
Expected<void> sync_file_system(const std::string& directory);

// ---- directories

/// Creates a directory and its parents, like `mkdir -p`. Returns an error that names the path and the reason.
Expected<void> make_directories(const std::string& path);

/// Deletes a file or a directory with everything in it, also directories without read permission, which
/// overlayfs leaves behind. A path that does not exist is not an error. Returns an error that names the path
/// and the reason.
Expected<void> remove_all(const std::string& path);

// ---- this program and this machine

/// Returns a path of the running program's binary that also works after an upgrade has replaced the file;
/// empty if /proc is not mounted.
std::string own_executable();

/// Returns the words that start the running program again, before its arguments: own_executable(). If a
/// dynamic loader was told to run the program (container/core/step.hpp), the environment variables
/// `loader_name` and `program_name` have the paths of both; the words are then that loader with the same
/// libraries, and the program.
std::vector<std::string> own_command(const char* loader_name, const char* program_name);

/// Returns this machine's host name; "localhost" if it cannot be determined.
std::string host_name();

}  // namespace sweep
