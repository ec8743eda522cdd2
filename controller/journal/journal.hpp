// The journal of a sweep: one SQLite file, sweep.db, in the output directory.
//
// Rules: what is not committed here has not happened: no lease, acknowledgement or file goes out before the
// commit of the events behind it. One transaction, and so one fsync, serves all messages of one round. The
// file is held exclusively while a controller lives (so no shared memory is needed, and network file systems
// do), which is also what keeps a second controller out. Schema: user_version; migrations only go forward.
#pragma once

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "controller/core/events.hpp"
#include "controller/journal/database.hpp"
#include "proto/base/error.hpp"

namespace sweep::journal {

inline constexpr int kSchemaVersion = 1;

/// What is fixed when the sweep begins.
struct Opening {
  std::map<std::string, std::string> meta;      // name -> value, for people and for later versions
  std::vector<nlohmann::ordered_json> entries;  // the matrix
  std::vector<std::string> ids;                 // of the points, in the matrix's order
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
  /// Opens one to read. Fails, naming it, when it is not there, is of a newer version, or in use.
  static Expected<Journal> open_to_read(const std::string& path);

  /// Durable when it returns. After a failure nothing of the batch is in the journal.
  Expected<void> commit(const Batch& batch);

  /// To be called when the sweep has ended: folds the log into the file, which then is plain and can be read
  /// and copied by everybody.
  Expected<void> finish();

  Expected<Opening> opening();
  /// Every event, in order.
  Expected<std::vector<core::Event>> events();
  /// Hands over the results that count one by one, in the matrix's order: together they may be larger than
  /// memory.
  Expected<void> each_accepted_result(const std::function<void(StoredResult)>& take);

 private:
  Journal(Database database, Statement insert_event, Statement insert_result)
      : database_(std::move(database)),
        insert_event_(std::move(insert_event)),
        insert_result_(std::move(insert_result)) {}
  static Expected<Journal> fill(const std::string& path, const Opening& opening);
  static Expected<Journal> over(Database database);
  Expected<void> write(const Batch& batch);

  Database database_;
  Statement insert_event_, insert_result_;
};

}  // namespace sweep::journal
