#include "controller/journal/database.hpp"

#include <sqlite3.h>

#include <cerrno>
#include <cstring>

#include "util/text.hpp"

namespace sweep::journal {

namespace {

tl::unexpected<Error> failed(sqlite3* db, const std::string& path) {
  const int system_error = errno;
  if (db != nullptr && sqlite3_errcode(db) == SQLITE_BUSY)
    return fail(
        "'" + path +
        "' is in use by another process; if its sweep is running, wait until it ends (sweepctl status shows "
        "it)");
  if (db == nullptr) return fail("journal '" + path + "': out of memory");
  // For a damaged file SQLite's message can contain text from the file.
  std::string reason = printable(sqlite3_errmsg(db));
  // SQLite reports the system's error for some calls only. Otherwise errno is the last error since the call.
  const int of_system = sqlite3_system_errno(db) != 0 ? sqlite3_system_errno(db) : system_error;
  if ((sqlite3_errcode(db) & 0xff) == SQLITE_IOERR && of_system != 0)
    reason += ": " + std::string(std::strerror(of_system));
  return fail("journal '" + path + "': " + reason);
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

Statement& Statement::bind(int index, std::int64_t value) {
  sqlite3_bind_int64(statement_.get(), index, value);
  return *this;
}

Statement& Statement::bind(int index, std::string_view text) {
  sqlite3_bind_text64(statement_.get(), index, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  return *this;
}

Statement& Statement::bind_blob(int index, std::string_view bytes) {
  sqlite3_bind_blob64(statement_.get(), index, bytes.data(), bytes.size(), SQLITE_TRANSIENT);
  return *this;
}

Expected<bool> Statement::step() {
  errno = 0;
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return failed(sqlite3_db_handle(statement_.get()), path_);
}

Expected<void> Statement::run() {
  const auto row = step();
  sqlite3_reset(statement_.get());
  if (!row) return tl::unexpected(row.error());
  return {};
}

void Statement::reset() {
  sqlite3_reset(statement_.get());
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::string Statement::text(int column) const {
  return blob(column);
}

std::string Statement::blob(int column) const {
  const void* bytes = sqlite3_column_blob(statement_.get(), column);
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return bytes == nullptr ? std::string()
                          : std::string(static_cast<const char*>(bytes), static_cast<std::size_t>(size));
}

void Database::Close::operator()(sqlite3* db) const {
  sqlite3_close(db);
}

Expected<Database> Database::open(const std::string& path, Mode mode) {
  const int flags = mode == Mode::ReadOnly
                        ? SQLITE_OPEN_READONLY
                        : SQLITE_OPEN_READWRITE | (mode == Mode::Create ? SQLITE_OPEN_CREATE : 0);
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &raw, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  Database database;
  database.db_.reset(raw);
  database.path_ = path;
  if (code != SQLITE_OK) return failed(raw, path);
  return database;
}

Expected<void> Database::execute(const std::string& sql) {
  errno = 0;
  if (sqlite3_exec(db_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
    return failed(db_.get(), path_);
  return {};
}

Expected<Statement> Database::prepare(const std::string& sql) {
  sqlite3_stmt* raw = nullptr;
  if (sqlite3_prepare_v2(db_.get(), sql.c_str(), -1, &raw, nullptr) != SQLITE_OK)
    return failed(db_.get(), path_);
  return Statement(raw, path_);
}

bool Database::is_damaged() const {
  const int code = sqlite3_errcode(db_.get());
  return code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
}

}  // namespace sweep::journal
