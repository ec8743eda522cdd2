// A thin wrapper of SQLite: a connection and a prepared statement, with Expected instead of error codes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "util/error.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace sweep::journal {

class Statement {
 public:
  /// Set the value of parameter `index` (from 1). Text and blobs are copied.
  Statement& bind(int index, std::int64_t value);
  Statement& bind(int index, std::string_view text);
  Statement& bind_blob(int index, std::string_view bytes);

  /// Advances to the next row. Returns true if there is one, false if there are no more. Fails with SQLite's
  /// message and the file's name.
  Expected<bool> step();
  /// Executes a statement that returns no rows, and resets it.
  Expected<void> run();

  /// Makes the statement ready for new values, whatever the last step() returned.
  void reset();

  bool is_null(int column) const;
  std::int64_t integer(int column) const;
  std::string text(int column) const;
  std::string blob(int column) const;

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  Statement(sqlite3_stmt* statement, std::string path) : statement_(statement), path_(std::move(path)) {}
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  std::string path_;
};

class Database {
 public:
  enum class Mode { Create, ReadWrite, ReadOnly };

  /// Fails, naming the file, if it cannot be opened or created.
  static Expected<Database> open(const std::string& path, Mode mode);

  /// Executes statements without parameters.
  Expected<void> execute(const std::string& sql);
  Expected<Statement> prepare(const std::string& sql);

  /// Returns true if the last failure means that the file is damaged or not a database.
  bool is_damaged() const;

 private:
  struct Close {
    void operator()(sqlite3* db) const;
  };
  std::unique_ptr<sqlite3, Close> db_;
  std::string path_;
};

}  // namespace sweep::journal
