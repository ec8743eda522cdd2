#include "controller/journal/journal.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "controller/core/events_json.hpp"
#include "util/digest.hpp"
#include "util/fields.hpp"
#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep::journal {

namespace {

constexpr const char* kSchema = R"(
  CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL);
  CREATE TABLE points(position INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, entry TEXT NOT NULL);
  CREATE TABLE events(seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL,
                      digest INTEGER);
  CREATE TABLE results(point TEXT NOT NULL, attempt INTEGER NOT NULL, node TEXT NOT NULL,
                       accepted INTEGER NOT NULL, raw BLOB NOT NULL, digest INTEGER, PRIMARY KEY(point, attempt));
)";

// With a write-ahead log a commit takes one fsync. In exclusive mode the log needs no shared memory.
constexpr const char* kPragmas =
    "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;";
// While a journal is made it is one file, so that it can be renamed.
constexpr const char* kPragmasToCreate = "PRAGMA locking_mode=EXCLUSIVE; PRAGMA synchronous=FULL;";

template <class Json>
std::string text_of(const Json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// Creates `temporary`, empty, from which `path` is made.
Expected<void> create_file(const std::string& temporary, const std::string& path) {
  ::unlink(temporary.c_str());  // of a process of the same id that was killed
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd < 0) return fail("cannot create '" + path + "': " + std::strerror(errno));
  ::close(fd);
  return {};
}

/// Makes a renamed file survive a crash of the machine, as far as the file system can.
void sync_folder_of(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  const int fd = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);
  ::close(fd);
}

/// Gives a complete file its name. Fails if that exists; so only one of several processes succeeds.
Expected<void> publish(const std::string& temporary, const std::string& path) {
  bool done = ::renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) == 0;
  // Not every file system can do that.
  if (!done && (errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP)) {
    done = ::link(temporary.c_str(), path.c_str()) == 0;
    if (done) ::unlink(temporary.c_str());
  }
  if (!done && errno == EEXIST) return fail("'" + path + "' already exists");
  if (!done) return fail("cannot create '" + path + "': " + std::strerror(errno));
  sync_folder_of(path);
  return {};
}

void remove_all(const std::string& path) {
  for (const char* suffix : {"", "-wal", "-journal", "-shm"})
    ::unlink((path + suffix).c_str());
}

/// Returns the message with the file's own name in place of that of the temporary file, which is gone by now.
std::string with_name(std::string message, const std::string& temporary, const std::string& path) {
  const std::size_t at = message.find(temporary);
  return at == std::string::npos ? message : message.replace(at, temporary.size(), path);
}

/// Returns the version of the file's schema. Fails if this program cannot read that version.
Expected<int> read_version(Database& database, const std::string& path) {
  SWEEP_ASSIGN(auto version, database.prepare("PRAGMA user_version"));
  SWEEP_TRY(version.step());
  const std::int64_t found = version.integer(0);
  if (found >= 1 && found <= kSchemaVersion) return static_cast<int>(found);
  if (found == 0) return fail("'" + path + "' is not the journal of a sweep");
  return fail("'" + path + "' has schema version " + std::to_string(found) +
              ", but this sweepctl reads versions up to " + std::to_string(kSchemaVersion) +
              "; use the sweepctl that wrote it, or a newer one");
}

/// The statements that migrate to the next version; kMigrations[0] migrates from 1 to 2.
constexpr std::array<const char*, kSchemaVersion - 1> kMigrations = {
    "ALTER TABLE events ADD COLUMN digest INTEGER; ALTER TABLE results ADD COLUMN digest INTEGER;"};

/// Returns the first 63 bits of SHA-256 over the parts; so it is a positive integer in SQLite.
std::int64_t digest_of(const std::vector<std::string_view>& parts) {
  Sha256 digest;
  for (const std::string_view part : parts)
    digest.add_part(part);
  std::uint64_t value = 0;
  constexpr std::size_t kDigits = 16;
  for (const char c : digest.hex().substr(0, kDigits))
    value = value * 16 + static_cast<std::uint64_t>(c <= '9' ? c - '0' : c - 'a' + 10);
  return static_cast<std::int64_t>(value >> 1);
}

std::int64_t event_digest(std::int64_t at, std::string_view kind, std::string_view body) {
  return digest_of({std::to_string(at), kind, body});
}

std::int64_t result_digest(const StoredResult& result) {
  return digest_of({result.ref.point, std::to_string(result.ref.attempt), result.node,
                    result.accepted ? "1" : "0", result.raw});
}

/// Returns the digest of the opening. It is stored in a row of meta; journals of version 1 have none.
std::string opening_digest(const Opening& opening) {
  Sha256 digest;
  for (const auto& [name, value] : opening.meta) {
    digest.add_part(name);
    digest.add_part(value);
  }
  for (const auto* texts : {&opening.ids, &opening.entries}) {
    for (const std::string& text : *texts)
      digest.add_part(text);
  }
  return digest.hex();
}

Expected<void> write_opening(Database& database, const Opening& opening) {
  auto meta = database.prepare("INSERT INTO meta VALUES(?, ?)");
  auto points = database.prepare("INSERT INTO points VALUES(?, ?, ?)");
  if (!meta) return tl::unexpected(meta.error());
  if (!points) return tl::unexpected(points.error());
  for (const auto& [name, value] : opening.meta) {
    SWEEP_TRY(meta->bind(1, std::string_view(name)).bind(2, std::string_view(value)).run());
  }
  const std::string digest = opening_digest(opening);
  SWEEP_TRY(meta->bind(1, std::string_view("digest")).bind(2, std::string_view(digest)).run());
  for (std::size_t i = 0; i < opening.entries.size(); ++i) {
    points->bind(1, static_cast<std::int64_t>(i)).bind(2, std::string_view(opening.ids[i]));
    SWEEP_TRY(points->bind(3, std::string_view(opening.entries[i])).run());
  }
  return {};
}

}  // namespace

Expected<Journal> Journal::create(const std::string& path, const Opening& opening) {
  // A process that is killed meanwhile leaves no half-made journal: only a temporary file.
  const std::string temporary =
      path.substr(0, path.rfind('/') + 1) + ".tmp-" + std::to_string(::getpid());  // short: kLongestFolder
  SWEEP_TRY(create_file(temporary, path));
  auto made = fill(temporary, opening);
  if (made) made = publish(temporary, path);
  remove_all(temporary);
  if (!made) return fail(with_name(made.error().message, temporary, path));
  SWEEP_ASSIGN(auto database, Database::open(path, Database::Mode::ReadWrite));
  SWEEP_TRY(database.execute(kPragmas));
  return Journal(std::move(database), path);
}

Journal::Journal(Database database, const std::string& path) : database_(std::move(database)), path_(path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return;
  device_ = info.st_dev;
  inode_ = info.st_ino;
}

Expected<void> Journal::fill(const std::string& path, const Opening& opening) {
  SWEEP_ASSIGN(auto database, Database::open(path, Database::Mode::Create));
  SWEEP_TRY(database.execute(kPragmasToCreate));
  SWEEP_TRY(database.execute("BEGIN IMMEDIATE"));
  SWEEP_TRY(database.execute(kSchema));
  SWEEP_TRY(write_opening(database, opening));
  SWEEP_TRY(database.execute("PRAGMA user_version=" + std::to_string(kSchemaVersion)));
  return database.execute("COMMIT");
}

Journal::Condition Journal::condition(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return Condition::Other;
  auto database = Database::open(path, Database::Mode::ReadWrite);
  if (!database) database = Database::open(path, Database::Mode::ReadOnly);
  if (!database) return Condition::Other;
  auto query =
      database->prepare("SELECT (SELECT count(*) FROM sqlite_master), user_version FROM pragma_user_version");
  const auto row = query ? query->step() : Expected<bool>(tl::unexpected(query.error()));
  if (!row) return database->is_damaged() ? Condition::Damaged : Condition::Other;
  const bool begun = query->integer(0) > 0 || query->integer(1) > 0;
  return begun ? Condition::Begun : Condition::Empty;
}

Expected<Journal> Journal::open_to_read(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0)
    return fail("'" + path +
                "' does not exist: no sweep has run in that directory; give the output directory of a sweep");
  // SQLite would follow a link, and wait at a FIFO.
  if (!S_ISREG(info.st_mode)) return fail("'" + path + "' is not a regular file; it is not opened");
  // Reading the log that a killed controller left behind needs write access.
  auto database = Database::open(path, Database::Mode::ReadWrite);
  if (!database) database = Database::open(path, Database::Mode::ReadOnly);
  if (!database) return tl::unexpected(database.error());
  static_cast<void>(database->execute("PRAGMA locking_mode=EXCLUSIVE"));
  SWEEP_ASSIGN(const auto version, read_version(*database, path));
  Journal journal(std::move(*database), path);
  journal.version_ = version;
  return journal;
}

Expected<Journal> Journal::open_to_continue(const std::string& path) {
  auto journal = open_to_read(path);
  if (!journal) return journal;
  SWEEP_TRY(journal->database_.execute(kPragmas));
  const auto migrated = journal->transact([&]() -> Expected<void> {  // also takes the exclusive lock
    for (; journal->version_ < kSchemaVersion; ++journal->version_)
      SWEEP_TRY(journal->database_.execute(kMigrations[static_cast<std::size_t>(journal->version_ - 1)]));
    return journal->database_.execute("PRAGMA user_version=" + std::to_string(kSchemaVersion));
  });
  SWEEP_TRY(migrated);
  SWEEP_TRY(journal->check());
  return journal;
}

// ---- writing

Expected<void> Journal::prepare_to_write() {
  if (insert_event_) return {};
  SWEEP_ASSIGN(auto event,
               database_.prepare("INSERT INTO events(at_ms, kind, body, digest) VALUES(?, ?, ?, ?)"));
  SWEEP_ASSIGN(auto result, database_.prepare("INSERT OR REPLACE INTO results VALUES(?, ?, ?, ?, ?, ?)"));
  insert_event_ = std::move(event);
  insert_result_ = std::move(result);
  return {};
}

Expected<void> Journal::write(const Batch& batch) {
  SWEEP_TRY(prepare_to_write());
  for (const core::Event& event : batch.events) {
    const std::string body = text_of(core::event_to_json(event.what));
    const std::int64_t at = to_unix_ms(event.at);
    const std::string_view word = core::event_word(event.what);
    insert_event_->bind(1, at)
        .bind(2, word)
        .bind(3, std::string_view(body))
        .bind(4, event_digest(at, word, body));
    SWEEP_TRY(insert_event_->run());
  }
  for (const StoredResult& result : batch.results) {
    insert_result_->bind(1, std::string_view(result.ref.point)).bind(2, std::int64_t{result.ref.attempt});
    insert_result_->bind(3, std::string_view(result.node)).bind(4, std::int64_t{result.accepted ? 1 : 0});
    SWEEP_TRY(insert_result_->bind_blob(5, result.raw).bind(6, result_digest(result)).run());
  }
  return {};
}

Expected<void> Journal::transact(const std::function<Expected<void>()>& what) {
  SWEEP_TRY(database_.execute("BEGIN IMMEDIATE"));
  auto done = what();
  if (done) done = database_.execute("COMMIT");
  if (!done) static_cast<void>(database_.execute("ROLLBACK"));
  return done;
}

Expected<void> Journal::is_in_place() const {
  struct stat info {};
  if (::stat(path_.c_str(), &info) != 0)
    return fail("journal '" + path_ + "' cannot be found any more: " + std::strerror(errno));
  if (info.st_dev != device_ || info.st_ino != inode_)
    return fail("journal '" + path_ + "' was replaced by another file");
  return {};
}

Expected<void> Journal::commit(const Batch& batch) {
  SWEEP_TRY(is_in_place());
  return transact([&] { return write(batch); });
}

Expected<void> Journal::reopen(const Opening& opening, const Batch& batch) {
  SWEEP_TRY(is_in_place());
  return transact([&]() -> Expected<void> {
    SWEEP_TRY(database_.execute("DELETE FROM meta; DELETE FROM points;"));
    SWEEP_TRY(write_opening(database_, opening));
    return write(batch);
  });
}

// ---- reading

Expected<Opening> Journal::opening() {
  Opening opening;
  SWEEP_ASSIGN(auto meta, database_.prepare("SELECT name, value FROM meta WHERE name <> 'digest'"));
  auto row = meta.step();
  for (; row && *row; row = meta.step())
    opening.meta[meta.text(0)] = meta.text(1);
  if (!row) return tl::unexpected(row.error());
  SWEEP_ASSIGN(auto points, database_.prepare("SELECT id, entry FROM points ORDER BY position"));
  for (row = points.step(); row && *row; row = points.step()) {
    std::string entry = points.text(1);
    if (!nlohmann::json::accept(entry))
      return fail("journal: the entry of point " + printable(points.text(0)) + " is damaged");
    opening.ids.push_back(points.text(0));
    opening.entries.push_back(std::move(entry));
  }
  if (!row) return tl::unexpected(row.error());
  return opening;
}

namespace {

constexpr std::int64_t kLatest = 253'402'300'799'999;  // the end of the year 9999

/// Returns the event in a row (seq, at_ms, kind, body, digest). Fails if it is damaged.
Expected<core::Event> read_event(const Statement& row) {
  const std::string where = "journal: event " + std::to_string(row.integer(0));
  const std::string kind = row.text(2), text = row.text(3);
  // Events of version 1 have no digest.
  if (!row.is_null(4) && row.integer(4) != event_digest(row.integer(1), kind, text))
    return fail(where + " is damaged");
  const auto body = parse_json(text);
  const std::int64_t at = row.integer(1);
  if (body.is_discarded() || at < 0 || at > kLatest) return fail(where + " is damaged");
  auto what = core::event_from_json(kind, body);
  if (!what) return fail(where + ": " + what.error().message);
  return core::Event{from_unix_ms(at), std::move(*what)};
}

constexpr std::int64_t kMaxAttempts = 100'000;  // as in core/replay.cpp

/// Returns the result in a row (point, attempt, node, accepted, raw, digest). Fails if it is damaged.
Expected<StoredResult> read_result(const Statement& row) {
  StoredResult result{
      {row.text(0), static_cast<int>(row.integer(1))}, row.text(2), row.integer(3) == 1, row.blob(4)};
  // Node names are printable (core/decide.cpp). Journals of version 1 have no digest.
  const bool implausible =
      row.integer(1) < 1 || row.integer(1) > kMaxAttempts || printable(result.node) != result.node;
  if (implausible || (!row.is_null(5) && row.integer(5) != result_digest(result))) {
    return fail("journal: the result of point " + printable(result.ref.point) + ", attempt " +
                std::to_string(result.ref.attempt) + ", is damaged");
  }
  return result;
}

std::string event_columns(int version) {
  return std::string("SELECT seq, at_ms, kind, body, ") + (version < 2 ? "NULL" : "digest") + " FROM events ";
}

std::string result_columns(int version) {
  return std::string("SELECT point, attempt, node, accepted, raw, ") + (version < 2 ? "NULL" : "digest") +
         " FROM results ";
}

/// Returns the number in the only row of the query's result; 0 if it cannot be read.
std::int64_t number(Database& database, const std::string& sql) {
  auto query = database.prepare(sql);
  if (!query) return 0;
  const auto row = query->step();
  return row && *row ? query->integer(0) : 0;
}

}  // namespace

Journal::GoodEvents Journal::good_events() {
  GoodEvents out;
  std::int64_t last = 0;
  const auto damaged = [&](const Error& error) {
    out.damage = error.message;
    out.lost = std::max<std::int64_t>(number(database_, "SELECT max(seq) FROM events") - last, 1);
    return out;
  };
  auto query = database_.prepare(event_columns(version_) + "ORDER BY seq");
  if (!query) return damaged(query.error());
  for (;;) {
    const auto row = query->step();
    if (!row) return damaged(row.error());
    if (!*row) return out;
    if (query->integer(0) != last + 1)
      return damaged(Error{"journal: event " + std::to_string(last + 1) + " is missing"});
    auto event = read_event(*query);
    if (!event) return damaged(event.error());
    last = query->integer(0);
    out.events.push_back(std::move(*event));
  }
}

Expected<std::vector<core::Event>> Journal::events() {
  GoodEvents all = good_events();
  if (!all.damage.empty()) return fail(all.damage);
  return std::move(all.events);
}

Expected<void> Journal::each_accepted_result(const std::function<void(StoredResult)>& take) {
  auto query =
      database_.prepare(result_columns(version_) +
                        "JOIN points ON points.id = results.point WHERE accepted = 1 ORDER BY position");
  if (!query) return tl::unexpected(query.error());
  auto row = query->step();
  for (; row && *row; row = query->step()) {
    SWEEP_ASSIGN(auto result, read_result(*query));
    take(std::move(result));
  }
  if (!row) return tl::unexpected(row.error());
  return {};
}

namespace {

/// Returns an upper bound of the number of events in the file, from its size. The largest row number found
/// may be damaged, so it must not be relied on as a bound.
std::int64_t max_rows(const std::string& path) {
  constexpr std::uintmax_t kSmallestEvent = 32;
  std::uintmax_t bytes = 0;
  for (const char* part : {"", "-wal"}) {
    std::error_code missing;
    const auto size = std::filesystem::file_size(path + part, missing);
    if (!missing) bytes += size;
  }
  return static_cast<std::int64_t>(bytes / kSmallestEvent);
}

}  // namespace

std::size_t Journal::each_good_result(const std::function<void(StoredResult)>& take) {
  // Each result has an event, so the largest event number bounds the row numbers of results if their own
  // maximum cannot be read.
  const std::int64_t last = std::min(std::max(number(database_, "SELECT max(rowid) FROM results"),
                                              number(database_, "SELECT max(seq) FROM events")),
                                     max_rows(path_));
  auto query = database_.prepare(result_columns(version_) + "WHERE results.rowid = ?");
  if (!query) return 1;
  std::size_t lost = 0;
  for (std::int64_t id = 1; id <= last; ++id) {
    query->reset();
    const auto row = query->bind(1, id).step();
    if (row && !*row) continue;
    auto result = row ? read_result(*query) : Expected<StoredResult>(tl::unexpected(row.error()));
    if (result) {
      take(std::move(*result));
    } else {
      ++lost;
    }
  }
  return lost;
}

Expected<void> Journal::check_opening() {
  SWEEP_ASSIGN(const auto found, opening());
  SWEEP_ASSIGN(auto query, database_.prepare("SELECT value FROM meta WHERE name = 'digest'"));
  SWEEP_ASSIGN(const auto row, query.step());
  if (!row || query.text(0) == opening_digest(found)) return {};
  return fail("journal '" + path_ + "' is damaged: the digest of its matrix and settings does not match");
}

Expected<std::vector<core::AttemptRef>> Journal::accepted_results() {
  SWEEP_ASSIGN(auto query, database_.prepare("SELECT point, attempt FROM results WHERE accepted = 1"));
  std::vector<core::AttemptRef> out;
  auto row = query.step();
  for (; row && *row; row = query.step())
    out.push_back({query.text(0), static_cast<int>(query.integer(1))});
  if (!row) return tl::unexpected(row.error());
  return out;
}

Expected<void> Journal::check() {
  SWEEP_ASSIGN(auto query, database_.prepare("PRAGMA quick_check(1)"));
  SWEEP_ASSIGN(const auto row, query.step());
  if (!row || query.text(0) != "ok")
    return fail("journal '" + path_ + "' is damaged: " + (row ? printable(query.text(0)) : "no answer"));
  SWEEP_TRY(check_opening());
  SWEEP_TRY(events());
  SWEEP_ASSIGN(auto results, database_.prepare(result_columns(version_)));
  auto next = results.step();
  for (; next && *next; next = results.step())
    SWEEP_TRY(read_result(results));
  if (!next) return tl::unexpected(next.error());
  return {};
}

Expected<void> Journal::finish() {
  insert_event_.reset();
  insert_result_.reset();
  return database_.execute("PRAGMA journal_mode=DELETE");
}

}  // namespace sweep::journal
