// The journal of a sweep: one SQLite file, sweep.db, in the output directory.
//
// Rules: what is not committed here has not happened: no lease, acknowledgement or file goes out before the
// commit of the events behind it. One transaction, and so one fsync, serves all messages of one round. The
// file is held exclusively while a controller lives (so no shared memory is needed, and network file systems
// do), which is also what keeps a second controller out. Schema: user_version; migrations only go forward.
// SQLite does not see a flipped bit in a text: each event and result has a check of its own beside it, and so
// has what is fixed when the sweep begins.
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

/// 1: the first. 2: events and results carry a check; kinds of events for recovery, resume and nodes.
inline constexpr int kSchemaVersion = 2;

/// What is fixed when the sweep begins.
struct Opening {
  std::map<std::string, std::string> meta;  // name -> value, for people and for later versions
  std::vector<std::string> entries;         // the matrix, a JSON text each
  std::vector<std::string> ids;             // of the points, in the matrix's order
};

/// A result file as it came, with the attempt that brought it.
struct StoredResult {
  core::AttemptRef ref;
  std::string node;
  bool accepted = false;
  std::string raw;  // the client's JSON
};

/// All that one round has to make durable.
struct Batch {
  std::vector<core::Event> events;
  std::vector<StoredResult> results;
  bool empty() const { return events.empty() && results.empty(); }
};

class Journal {
 public:
  /// Makes the file of a new sweep. Fails, naming it, when it is there already or cannot be made, and leaves
  /// nothing then.
  static Expected<Journal> create(const std::string& path, const Opening& opening);
  /// Opens one to read, of this version or an older one. Fails, naming it, when it is not there, is of a
  /// newer version, or in use.
  static Expected<Journal> open_to_read(const std::string& path);
  /// Opens one to go on with, and brings it to this version. Fails as open_to_read, and when check() does.
  static Expected<Journal> open_to_continue(const std::string& path);

  /// Looks at the whole file: its structure (PRAGMA quick_check), the check of each event and result, and
  /// that of the opening. Fails, naming the first damage.
  Expected<void> check();
  /// Replaces what was fixed when the sweep began, and adds the batch: a resume. Durable when it returns.
  /// Every point that an event names must be in the new opening.
  Expected<void> reopen(const Opening& opening, const Batch& batch);

  /// Durable when it returns. After a failure nothing of the batch is in the journal. Fails also when the
  /// file is not where it was any more: what is written into a deleted file is lost.
  Expected<void> commit(const Batch& batch);

  /// To be called when the sweep has ended: folds the log into the file, which then is plain and can be read
  /// and copied by everybody.
  Expected<void> finish();

  Expected<Opening> opening();
  /// Every event, in order. Fails, naming it, at the first that is damaged.
  Expected<std::vector<core::Event>> events();
  /// The same, up to the first that is damaged, and then why.
  struct GoodEvents {
    std::vector<core::Event> events;
    std::string damage;     // empty: none
    std::int64_t lost = 0;  // how many there were after that, as far as can be told
  };
  GoodEvents good_events();
  /// Hands over the results that count one by one, in the matrix's order: together they may be larger than
  /// memory.
  Expected<void> each_accepted_result(const std::function<void(StoredResult)>& take);
  /// Hands over every result that can be read and is what it was, looked up one by one, so that a damaged
  /// page costs only what is on it. Returns how many could not be read.
  std::size_t each_good_result(const std::function<void(StoredResult)>& take);

 private:
  Journal(Database database, const std::string& path);
  static Expected<Journal> fill(const std::string& path, const Opening& opening);
  static Expected<Journal> open(const std::string& path, int version);
  Expected<void> check_opening();
  Expected<void> prepare_to_write();
  Expected<void> transact(const std::function<Expected<void>()>& what);
  Expected<void> write(const Batch& batch);
  Expected<void> is_in_place() const;

  Database database_;
  std::string path_;
  int version_ = kSchemaVersion;  // of the file
  dev_t device_ = 0;              // of the file that is open
  ino_t inode_ = 0;
  std::optional<Statement> insert_event_, insert_result_;
};

}  // namespace sweep::journal
