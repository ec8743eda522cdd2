// The journal of a sweep: one SQLite file, sweep.db, in the output directory.
//
// Rules: no lease or acknowledgement is sent and no file is written before the events that cause it are
// committed here. One transaction, and so one fsync, covers all messages of a round. While a controller runs
// it holds the file exclusively: this keeps a second controller out, and SQLite then needs no shared memory,
// so that network file systems work. The schema's version is in user_version; migrations only go forward.
// SQLite does not notice a flipped bit in a text, so each event, each result and the opening have a digest.
#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "controller/core/events.hpp"
#include "controller/journal/database.hpp"
#include "util/error.hpp"

namespace sweep::journal {

/// 1: the first version. 2: events and results have a digest; event kinds for recovery, resume and nodes.
inline constexpr int kSchemaVersion = 2;

/// The data that is fixed when the sweep begins. A resume may replace it.
struct Opening {
  std::map<std::string, std::string> meta;  // name -> value, for users and for later versions
  std::vector<std::string> entries;         // the entries of the matrix, each as JSON text
  std::vector<std::string> ids;             // of the points, in matrix order
};

/// A result file as received, with the attempt that produced it.
struct StoredResult {
  core::AttemptRef ref;
  std::string node;
  bool accepted = false;
  std::string raw;  // JSON written by the benchmark client
};

/// Everything that one round has to commit.
struct Batch {
  std::vector<core::Event> events;
  std::vector<StoredResult> results;
  bool empty() const { return events.empty() && results.empty(); }
};

/// The longest path without links of a folder in which a journal can be made. SQLite permits 504 bytes for the
/// path of a file, and a journal begins as ".tmp-<pid>".
inline constexpr std::size_t kLongestFolder = 504 - sizeof "/.tmp-4194304" + 1;

class Journal {
 public:
  /// Creates the journal of a new sweep. The file appears when it is complete. Fails, naming the file, if it
  /// already exists or cannot be created; in the second case no file is left behind.
  static Expected<Journal> create(const std::string& path, const Opening& opening);
  /// Opens a journal of this version or an older one for reading. Fails, naming the file, if it does not
  /// exist, has a newer version, or is in use.
  static Expected<Journal> open_to_read(const std::string& path);
  /// Opens a journal for writing and migrates it to this version. Fails if open_to_read() or check() fails.
  static Expected<Journal> open_to_continue(const std::string& path);

  enum class Condition {
    Begun,    // it can be read as far as this is known: a sweep has begun, or it is another program's
    Empty,    // nothing was ever written to it, as if its making was interrupted
    Damaged,  // it is not a database any more
    Other,    // it does not exist, is not a regular file, is in use, or cannot be opened
  };
  /// Returns the condition of a file, for journals that open_to_read() cannot open.
  static Condition condition(const std::string& path);

  /// Verifies the whole file: its structure (PRAGMA quick_check) and the digests of the opening and of each
  /// event and result. Fails, naming the first damage found.
  Expected<void> check();
  /// Replaces the opening and adds the batch, as a resume does. Durable when it returns. Every point that an
  /// event names must be in the new opening.
  Expected<void> reopen(const Opening& opening, const Batch& batch);

  /// Adds the batch. Durable when it returns. After a failure nothing of the batch is in the journal. Fails
  /// also if the file has been removed or replaced, because data written to a deleted file is lost.
  Expected<void> commit(const Batch& batch);

  /// Merges SQLite's write-ahead log into the file, so that this one file can be read and copied. To be
  /// called when the sweep has ended.
  Expected<void> finish();

  Expected<Opening> opening();
  /// Returns all events, in order. Fails if one is damaged, naming the first such event.
  Expected<std::vector<core::Event>> events();
  /// Returns the attempts whose accepted results are in the journal.
  Expected<std::vector<core::AttemptRef>> accepted_results();
  /// The events before the first damaged one.
  struct GoodEvents {
    std::vector<core::Event> events;
    std::string damage;     // what is wrong with the first damaged event; empty: none is damaged
    std::int64_t lost = 0;  // number of events from there on, as far as it can be determined
  };
  GoodEvents good_events();
  /// Calls `take` with each accepted result, in matrix order. One by one, because all together may be larger
  /// than memory. Fails at the first damaged result.
  Expected<void> each_accepted_result(const std::function<void(StoredResult)>& take);
  /// Calls `take` with each undamaged result. Each is looked up by its row number, so that a damaged page
  /// costs only the results on it. Returns how many could not be read.
  std::size_t each_good_result(const std::function<void(StoredResult)>& take);

 private:
  Journal(Database database, const std::string& path);
  static Expected<void> fill(const std::string& path, const Opening& opening);
  static Expected<Journal> open(const std::string& path, int version);
  Expected<void> check_opening();
  Expected<void> prepare_to_write();
  Expected<void> transact(const std::function<Expected<void>()>& what);
  Expected<void> write(const Batch& batch);
  Expected<void> is_in_place() const;

  Database database_;
  std::string path_;
  int version_ = kSchemaVersion;  // of the file
  dev_t device_ = 0;              // of the file that was opened
  ino_t inode_ = 0;
  std::optional<Statement> insert_event_, insert_result_;
};

}  // namespace sweep::journal
