// How attempts ended, on this node's own disk, from before it is said until the controller has it: it
// survives the agent, and the next agent of the same sweep on this node hands it in.
//
//   <directory>/slurm-sweep-<uid>/<sweep>/<agent>.<point>.<attempt>.result     (names as digests)
//   <directory>/slurm-sweep-<uid>/<sweep>/<agent>.lock                         held while that agent lives
//
// Rules:
// - For its owner alone (0700, 0600). A folder of that name that is somebody else's, a link, or open to
//   others is not used.
// - No fsync: it would stand between the end of a benchmark and the start of the next. A crash of the whole
//   node takes what is younger than the kernel's writeback, and has not been acknowledged: it is run again.
// - A file carries its own digest. One that is not what was written is put aside (.damaged), never handed in.
// - All spools of a user on a node have at most kMostBytes. Where that is not enough, files of other sweeps
//   give way, the oldest first, those of agents that live excepted.
// - What another agent left is this agent's once it has that one's lock, and is read one by one.
// - The directory is trusted to be on this node's disk and not another user's to rename (as /tmp is, being
//   sticky). Where a job has a /tmp of its own that goes with it, the profile should name another.
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

  explicit Spool(std::uint64_t most_bytes = kMostBytes) : most_(most_bytes) {}
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  /// What an agent that is gone has left.
  struct Left {
    wire::Finished finished;  // with `of`
    std::string bytes;
  };
  /// Makes the folders in `directory` (empty: TMPDIR, else /tmp), takes this agent's lock and those of agents
  /// that are gone. Fails, naming the folder and the reason; then nothing is kept.
  Expected<void> open(const std::string& directory, const std::string& sweep, const std::string& agent);

  /// The next thing that was left. Lines about files that are damaged go to `notes`.
  std::optional<Left> adopt(std::vector<std::string>& notes);
  /// Whether adopt() has another one.
  bool has_more() const { return ahead_.has_value(); }

  /// Keeps an end of this agent's: it survives the agent when this returns. Fails, naming the reason; then it
  /// is not kept.
  Expected<void> keep(const wire::Finished& finished, std::string_view bytes);
  /// `of` as in Finished: empty for this agent's own.
  void drop(const wire::AttemptRef& ref, const std::string& of);

  const std::string& folder() const { return folder_; }
  /// How many files are kept that the controller has not acknowledged.
  std::size_t kept() const { return kept_.size(); }

 private:
  Expected<void> enter(const std::string& base, const std::string& folder, const std::string& agent);
  void inherit();
  std::optional<Left> read_next(std::vector<std::string>& notes);
  Expected<void> make_room(std::uint64_t bytes) const;

  std::uint64_t most_;
  std::string base_, folder_, agent_;
  std::map<std::string, Fd> locks_;  // by the digest of the agent's name: this one's, and those that are gone
  std::set<std::string> kept_;       // file names
  std::deque<std::string> waiting_;  // of them, those that others left and that have not been read
  std::optional<Left> ahead_;        // read, and not handed out yet
};

/// The bytes of a spooled end, and back. Fails on anything that is not what spool_text() makes.
std::string spool_text(const wire::Finished& finished, const std::string& agent, std::string_view bytes);
Expected<Spool::Left> read_spool_text(std::string_view text);

}  // namespace sweep::agent
