#include "controller/journal/journal.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace sweep::journal {

namespace {

constexpr const char* kSchema = R"(
  CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL);
  CREATE TABLE points(position INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, entry TEXT NOT NULL);
  CREATE TABLE events(seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL);
  CREATE TABLE results(point TEXT NOT NULL, attempt INTEGER NOT NULL, node TEXT NOT NULL,
                       accepted INTEGER NOT NULL, raw BLOB NOT NULL, PRIMARY KEY(point, attempt));
)";

// The write-ahead log makes a commit one fsync; in exclusive mode it needs no shared memory.
constexpr const char* kPragmas =
    "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;";

#define SWEEP_TRY(expression)                                                    \
  do {                                                                           \
    if (auto tried = (expression); !tried) return tl::unexpected(tried.error()); \
  } while (false)

template <class Json>
std::string text_of(const Json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// Makes the file, empty, for whoever comes first; fails for everybody else.
Expected<void> claim(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd < 0 && errno == EEXIST) return fail("'" + path + "' is there already");
  if (fd < 0) return fail("cannot make '" + path + "': " + std::strerror(errno));
  ::close(fd);
  return {};
}

void remove_all(const std::string& path) {
  for (const char* suffix : {"", "-wal", "-journal", "-shm"})
    ::unlink((path + suffix).c_str());
}

Expected<void> check_version(Database& database, const std::string& path) {
  auto version = database.prepare("PRAGMA user_version");
  if (!version) return tl::unexpected(version.error());
  const auto row = version->step();
  if (!row) return tl::unexpected(row.error());
  const std::int64_t found = version->integer(0);
  if (found == kSchemaVersion) return {};
  if (found == 0) return fail("'" + path + "' is no journal of a sweep");
  return fail("'" + path + "' has schema version " + std::to_string(found) +
              "; this sweepctl reads version " + std::to_string(kSchemaVersion) +
              ": use the sweepctl that wrote it, or a newer one");
}

Expected<void> write_opening(Database& database, const Opening& opening) {
  auto meta = database.prepare("INSERT INTO meta VALUES(?, ?)");
  auto points = database.prepare("INSERT INTO points VALUES(?, ?, ?)");
  if (!meta) return tl::unexpected(meta.error());
  if (!points) return tl::unexpected(points.error());
  for (const auto& [name, value] : opening.meta) {
    SWEEP_TRY(meta->bind(1, std::string_view(name)).bind(2, std::string_view(value)).run());
  }
  for (std::size_t i = 0; i < opening.entries.size(); ++i) {
    const std::string entry = text_of(opening.entries[i]);
    points->bind(1, static_cast<std::int64_t>(i)).bind(2, std::string_view(opening.ids[i]));
    SWEEP_TRY(points->bind(3, std::string_view(entry)).run());
  }
  return {};
}

}  // namespace

Expected<Journal> Journal::over(Database database) {
  auto event = database.prepare("INSERT INTO events(at_ms, kind, body) VALUES(?, ?, ?)");
  if (!event) return tl::unexpected(event.error());
  auto result = database.prepare("INSERT OR REPLACE INTO results VALUES(?, ?, ?, ?, ?)");
  if (!result) return tl::unexpected(result.error());
  return Journal(std::move(database), std::move(*event), std::move(*result));
}

Expected<Journal> Journal::create(const std::string& path, const Opening& opening) {
  SWEEP_TRY(claim(path));
  auto journal = fill(path, opening);
  if (!journal) remove_all(path);
  return journal;
}

Expected<Journal> Journal::fill(const std::string& path, const Opening& opening) {
  auto database = Database::open(path, Database::Mode::Create);
  if (!database) return tl::unexpected(database.error());
  SWEEP_TRY(database->execute(kPragmas));
  SWEEP_TRY(database->execute("BEGIN IMMEDIATE"));
  SWEEP_TRY(database->execute(kSchema));
  SWEEP_TRY(write_opening(*database, opening));
  SWEEP_TRY(database->execute("PRAGMA user_version=" + std::to_string(kSchemaVersion)));
  SWEEP_TRY(database->execute("COMMIT"));
  return over(std::move(*database));
}

Expected<Journal> Journal::open_to_read(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0)
    return fail("'" + path + "' is not there: no sweep has run in that directory");
  // A log that was left behind by a controller that died is read too, and that takes the right to write.
  auto database = Database::open(path, Database::Mode::ReadWrite);
  if (!database) database = Database::open(path, Database::Mode::ReadOnly);
  if (!database) return tl::unexpected(database.error());
  static_cast<void>(database->execute("PRAGMA locking_mode=EXCLUSIVE"));
  SWEEP_TRY(check_version(*database, path));
  return over(std::move(*database));
}

Expected<void> Journal::write(const Batch& batch) {
  for (const core::Event& event : batch.events) {
    const std::string body = text_of(core::event_to_json(event.what));
    insert_event_.bind(1, to_unix_ms(event.at))
        .bind(2, core::event_word(event.what))
        .bind(3, std::string_view(body));
    SWEEP_TRY(insert_event_.run());
  }
  for (const StoredResult& result : batch.results) {
    insert_result_.bind(1, std::string_view(result.ref.point)).bind(2, std::int64_t{result.ref.attempt});
    insert_result_.bind(3, std::string_view(result.node)).bind(4, std::int64_t{result.accepted ? 1 : 0});
    SWEEP_TRY(insert_result_.bind_blob(5, result.raw).run());
  }
  return {};
}

Expected<void> Journal::commit(const Batch& batch) {
  SWEEP_TRY(database_.execute("BEGIN IMMEDIATE"));
  auto done = write(batch);
  if (done) done = database_.execute("COMMIT");
  if (!done) static_cast<void>(database_.execute("ROLLBACK"));
  return done;
}

Expected<Opening> Journal::opening() {
  Opening opening;
  auto meta = database_.prepare("SELECT name, value FROM meta");
  if (!meta) return tl::unexpected(meta.error());
  auto row = meta->step();
  for (; row && *row; row = meta->step())
    opening.meta[meta->text(0)] = meta->text(1);
  if (!row) return tl::unexpected(row.error());
  auto points = database_.prepare("SELECT id, entry FROM points ORDER BY position");
  if (!points) return tl::unexpected(points.error());
  for (row = points->step(); row && *row; row = points->step()) {
    auto entry = nlohmann::ordered_json::parse(points->text(1), nullptr, false);
    if (entry.is_discarded()) return fail("journal: the entry of point " + points->text(0) + " is damaged");
    opening.ids.push_back(points->text(0));
    opening.entries.push_back(std::move(entry));
  }
  if (!row) return tl::unexpected(row.error());
  return opening;
}

Expected<std::vector<core::Event>> Journal::events() {
  auto query = database_.prepare("SELECT seq, at_ms, kind, body FROM events ORDER BY seq");
  if (!query) return tl::unexpected(query.error());
  std::vector<core::Event> events;
  auto row = query->step();
  for (; row && *row; row = query->step()) {
    const std::string where = "journal: event " + std::to_string(query->integer(0));
    const auto body = nlohmann::json::parse(query->text(3), nullptr, false);
    if (body.is_discarded()) return fail(where + " is damaged");
    auto what = core::event_from_json(query->text(2), body);
    if (!what) return fail(where + ": " + what.error().message);
    events.push_back({from_unix_ms(query->integer(1)), std::move(*what)});
  }
  if (!row) return tl::unexpected(row.error());
  return events;
}

Expected<void> Journal::each_accepted_result(const std::function<void(StoredResult)>& take) {
  auto query = database_.prepare(
      "SELECT point, attempt, node, raw FROM results JOIN points ON points.id = results.point "
      "WHERE accepted = 1 ORDER BY position");
  if (!query) return tl::unexpected(query.error());
  auto row = query->step();
  for (; row && *row; row = query->step()) {
    take({{query->text(0), static_cast<int>(query->integer(1))}, query->text(2), true, query->blob(3)});
  }
  if (!row) return tl::unexpected(row.error());
  return {};
}

Expected<void> Journal::finish() {
  return database_.execute("PRAGMA journal_mode=DELETE");
}

}  // namespace sweep::journal
