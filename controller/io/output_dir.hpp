// The output directory of a sweep: creates it, claims it for a sweep, and notices its removal.
#pragma once

#include <string>

#include "controller/io/control_file.hpp"
#include "util/error.hpp"
#include "util/os/fd.hpp"
#include "util/time.hpp"

namespace sweep {

/// Creates the output directory of a new sweep with its folders raw/ and logs/, and returns its absolute
/// path. `wanted` is the directory as the user gave it; if it is empty, results_<name>_<local time> in the
/// current directory is used. Fails, naming the directory and the reason, if it cannot be written to or
/// already holds a sweep (with the host and pid of that sweep's controller, if it runs).
Expected<std::string> claim_output_dir(const std::string& wanted, const std::string& name, Instant now);

/// Returns the absolute path of the directory of a sweep that is to be resumed. Fails, naming it and the
/// reason, if none was given, it holds no sweep, or cannot be written to.
Expected<std::string> find_resumable_dir(const std::string& wanted);

/// Returns true if `directory` holds a sweep that could be resumed; false also for "".
bool holds_sweep(const std::string& directory);

/// Makes the checks of claim_output_dir() without creating anything, for `sweepctl check`. Fails also if the
/// path is too long for the journal.
Expected<void> check_output_dir(const std::string& wanted, const std::string& name);

/// Fails if a directory cannot be created in `folder` ("": the current directory), for `sweepctl check` if the
/// directory's name is not known yet.
Expected<void> check_folder_above(const std::string& folder);

/// Returns `path` as an absolute path without ".", ".." and trailing slash.
std::string absolute_path(const std::string& path);

/// Returns true if the directory has a journal to which nothing was ever written, and no results: the sweep
/// for which it was made never began.
bool never_began(const std::string& directory);

/// Returns true if the directory has the matrix of a sweep (sweep_configs.json) and results in raw/, from
/// which salvage() can make a journal.
bool has_files_to_salvage(const std::string& directory);

/// Returns the path of the journal in an output directory.
std::string journal_path(const std::string& directory);

/// Returns "controller on HOST, pid PID", for messages.
std::string controller_text(const ControlFile& control);

/// Tells whether a path still leads to the directory of the sweep whose journal this process has open.
class DirectoryWatch {
 public:
  /// The journal must be in place.
  explicit DirectoryWatch(const std::string& directory);

  /// Elsewhere: the directory was renamed (and may come back), or another file has taken the journal's place.
  /// Deleted: the journal was removed and cannot come back.
  enum class Place { There, Elsewhere, Deleted };
  Place place() const;
  /// Returns what was deleted, for messages: "the output directory 'X'", or "the journal 'X/sweep.db'" if
  /// only that was.
  std::string deleted_text() const;

 private:
  std::string directory_;
  Fd journal_;
};

}  // namespace sweep
