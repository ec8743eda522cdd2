// Keeps the outcomes of attempts on this node's disk, from before they are sent until the controller has
// them. They survive the agent: the next agent of the same sweep on this node delivers them.
//
//  <directory>/slurm-sweep-<uid>/<sweep>/<agent>.<point>.<attempt>.result     (names are digests)
//  <directory>/slurm-sweep-<uid>/<sweep>/<agent>.<point>.<attempt>.result.files/0, 1, …
//                                                       the files that Finished lists (artifact_files.hpp)
//  <directory>/slurm-sweep-<uid>/<sweep>/<agent>.lock                         locked while that agent lives
//
// Rules:
// - only the owner has access (0700, 0600). A folder that belongs to another user, is a link, or gives
//   others access is not used.
// - no fsync: it would delay the start of the next benchmark. If the whole node crashes, outcomes that the
//   kernel has not written yet and the controller has not acknowledged are lost; their points are run again.
// - a file contains its own digest. A damaged file is renamed to *.damaged and never delivered.
// - all outcomes in the spools of a user on a node have at most kMostBytes, without the files of attempts. If that is not enough, files of other sweeps are
//   removed, the oldest first, except those of agents that are alive.
// - an agent may take over another agent's files once it holds that agent's lock. It reads them one by one.
// - the directory must be on this node's disk, and other users must not be able to rename it (in /tmp the
//   sticky bit ensures that). If jobs have a private /tmp that is removed with the job, the profile should
//   name another directory.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "proto/wire/messages.hpp"
#include "util/error.hpp"
#include "util/os/fd.hpp"

namespace sweep::agent {

class Spool {
 public:
  static constexpr std::uint64_t kMostBytes = 1024ULL * 1024 * 1024;

  explicit Spool(std::uint64_t most_bytes = kMostBytes) : most_bytes_(most_bytes) {}
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  /// An outcome that an earlier agent left.
  struct LeftResult {
    wire::Finished finished;  // with `of`
    std::string bytes;
  };
  /// Creates the folders in `directory` (empty: TMPDIR, or /tmp), takes this agent's lock and those of agents
  /// that are gone. Fails with the folder and the reason; nothing is kept then.
  Expected<void> open(const std::string& directory, const std::string& sweep, const std::string& agent);

  /// Returns the next outcome that an earlier agent left; std::nullopt if there is none. Lines about damaged
  /// files are added to `notes`.
  std::optional<LeftResult> adopt(std::vector<std::string>& notes);
  /// Returns true if adopt() will return a further outcome.
  bool has_more() const { return read_ahead_.has_value(); }

  /// Keeps an outcome of this agent: it survives the agent once this returns. Fails with the reason; it is
  /// not kept then.
  Expected<void> keep(const wire::Finished& finished, std::string_view bytes);
  /// Removes an outcome. `of` as in Finished: empty for this agent's own.
  void drop(const wire::AttemptRef& ref, const std::string& of);

  /// Returns where the files of an attempt of this agent are kept; an error if its outcome is not kept.
  Expected<std::string> files_folder(const wire::AttemptRef& ref) const;
  /// Returns at most `most` bytes of a file that is kept, from `offset` on. `of` as in drop().
  Expected<std::string> read_piece(const wire::AttemptRef& ref, const std::string& of, int file,
                                   std::int64_t offset, std::size_t most) const;

  const std::string& folder() const { return folder_; }
  /// Returns why the spool has another name than usual; "" if that was not the case or was said before.
  const std::string& note() const { return note_; }
  /// Returns how many outcomes are kept that the controller has not acknowledged.
  std::size_t kept() const { return kept_.size(); }

 private:
  Expected<void> enter(const std::string& root, const std::string& sweep, const std::string& agent);
  void find_left_results();
  std::optional<LeftResult> read_next(std::vector<std::string>& notes);
  Expected<void> make_room(std::uint64_t bytes) const;

  std::uint64_t most_bytes_;
  std::string base_, folder_, agent_, note_;
  // by the digest of the agent's name: this agent's lock, and those of agents that are gone
  std::map<std::string, Fd> locks_;
  std::set<std::string> kept_;      // file names
  std::deque<std::string> unread_;  // those of kept_ that earlier agents left and that have not been read
  std::optional<LeftResult> read_ahead_;  // read, but not returned by adopt() yet
};

/// Convert an outcome to the bytes of its file, and back. Reading fails on anything that spool_text() cannot
/// return.
std::string spool_text(const wire::Finished& finished, const std::string& agent, std::string_view bytes);
Expected<Spool::LeftResult> read_spool_text(std::string_view text);

}  // namespace sweep::agent
