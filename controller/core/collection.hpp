// Fetches the files that a successful attempt left besides its result, before the result is accepted.
//
//   Finished lists the files; on() returns the first request. Each Piece is written, and answered with the next
//   request. When the last one is written, the agent is asked for Finished again, and on() returns std::nullopt:
//   the attempt can be decided now.
//
// Rules:
// - of each attempt one request is outstanding. Pieces that were not asked for are ignored.
// - whole or not at all: after any failure nothing is kept, and the account says why.
// - files that another attempt may have written too are not fetched (directories.hpp, Artifact::own).
// - nothing is fetched for a result that would not count, and nothing once the sweep is stopping: then the results
//   themselves matter more.
// - it survives a restart of the controller: the agent sends Finished again, and the store knows what it has.
// Pure, except for what the FileStore does.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/core/state.hpp"
#include "proto/base/artifact.hpp"
#include "proto/wire/messages.hpp"
#include "util/error.hpp"

namespace sweep::core {

/// Why files are left out that another attempt may have written, too.
inline constexpr std::string_view kSharedDirectory = "another attempt ran in the same directory at that time";

/// Where the files of attempts are put. Every function may be called again after a restart.
class FileStore {
 public:
  /// The file and the offset up to which everything has been written.
  struct Place {
    std::size_t file = 0;
    std::int64_t offset = 0;
  };
  FileStore() = default;
  FileStore(const FileStore&) = delete;
  FileStore& operator=(const FileStore&) = delete;
  virtual ~FileStore() = default;
  /// Prepares a place for the attempt's files, with the empty ones among them. Returns what is there already.
  virtual Expected<Place> begin(const AttemptRef& ref, const std::vector<Artifact>& files) = 0;
  /// Writes a piece of a file at its end. `last`: it is the file's last one.
  virtual Expected<void> write(const AttemptRef& ref, const Artifact& file, std::int64_t offset,
                               std::string_view bytes, bool last) = 0;
  /// Gives the complete files their final place, replacing what an earlier attempt left there.
  virtual Expected<void> install(const AttemptRef& ref) = 0;
  /// Removes what is there of the attempt and not installed.
  virtual void discard(const AttemptRef& ref) = 0;
};

class Collection {
 public:
  /// `store` must outlive this. `most_bytes`: of the files of one attempt.
  Collection(FileStore& store, std::int64_t most_bytes) : store_(store), most_bytes_(most_bytes) {}

  /// Handles Finished of `agent`. Returns the next request to the agent; std::nullopt if the attempt can be
  /// decided. Then `account` says what was collected, and finish() must be called after the decision.
  std::optional<wire::Fetch> on(const State& state, const std::string& agent, const wire::Finished& finished,
                                Account& account);
  /// Handles Piece of `agent`. Returns the next request; std::nullopt if the piece is not expected.
  std::optional<wire::Fetch> on(const State& state, const std::string& agent, const wire::Piece& piece,
                                std::string_view bytes);
  /// Puts the files in place if all of them are there. If that fails, `account` has the reason.
  void install(const AttemptRef& ref, Account& account);
  /// Forgets the attempt; removes its files if they were not installed.
  void finish(const AttemptRef& ref);
  /// Returns the bytes that are there and those of all files that are fetched; zeros if nothing is fetched.
  std::pair<std::int64_t, std::int64_t> progress(const AttemptRef& ref) const;

 private:
  using Key = std::pair<std::string, int>;
  struct Transfer {
    std::string agent;            // that sends the files
    std::vector<Artifact> files;  // as Finished lists them
    std::vector<bool> wanted;
    std::size_t file = 0;  // the next piece
    std::int64_t offset = 0;
    std::string problem;  // why nothing is collected
    bool over() const { return !problem.empty() || file == files.size(); }
  };

  void begin(Transfer& transfer, const State& state, const AttemptRef& ref);
  void move_on(Transfer& transfer) const;
  void give_up(const AttemptRef& ref, Transfer& transfer, const std::string& problem);
  static wire::Fetch request(const AttemptRef& ref, const Transfer& transfer);
  static void describe(const Transfer& transfer, Account& account);

  FileStore& store_;
  std::int64_t most_bytes_;
  std::map<Key, Transfer> transfers_;
};

}  // namespace sweep::core
