// The output directory of a sweep: made, claimed, or refused.
#pragma once

#include <string>

#include "util/error.hpp"
#include "util/os/fd.hpp"
#include "util/time.hpp"

namespace sweep {

/// The directory a new sweep may write into, with its folders raw/ and logs/ made. `wanted` as the user gave
/// it; empty: results_<name>_<local time> in the current directory. Fails, naming the directory and the
/// reason, when it cannot be written, holds a sweep already, or belongs to a running one (with that one's
/// host and pid).
Expected<std::string> claim_output_dir(const std::string& wanted, const std::string& name, Instant now);

/// The directory of a sweep that is to be resumed, absolute. Fails, naming it and the reason, when it is not
/// given, holds no sweep, cannot be written, or its controller lives (with that one's host and pid).
Expected<std::string> claimed_output_dir(const std::string& wanted);

/// The same checks without making anything, for `sweepctl check`.
Expected<void> check_output_dir(const std::string& wanted);

/// `path` from the root, without . and .. and without a slash at its end.
std::string absolute_path(const std::string& path);

/// The journal's path in an output directory.
std::string journal_path(const std::string& directory);

/// Whether a directory is still that of the sweep whose journal is open.
class DirectoryWatch {
 public:
  /// To be made while the journal is in place.
  explicit DirectoryWatch(const std::string& directory);

  /// Elsewhere: the directory was renamed, and may come back, or another file has the journal's place.
  /// Deleted: nobody can bring it back.
  enum class Place { There, Elsewhere, Deleted };
  Place place() const;

 private:
  std::string directory_;
  Fd journal_;
};

}  // namespace sweep
