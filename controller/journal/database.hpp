// SQLite with Expected instead of codes: a connection, a prepared statement, nothing else.
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
  /// Values for the ?s, from 1. Text and blobs are copied.
  Statement& bind(int index, std::int64_t value);
  Statement& bind(int index, std::string_view text);
  Statement& bind_blob(int index, std::string_view bytes);

  /// True: there is a row to read. False: there are no more. Fails with SQLite's message and the file's name.
  Expected<bool> step();
  /// step() where no row is expected, then made ready for the next values.
  Expected<void> run();

  /// Ready for the next values, whatever the last step() said.
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

  /// Fails, naming the file, when it cannot be opened or made.
  static Expected<Database> open(const std::string& path, Mode mode);

  /// Runs statements without parameters.
  Expected<void> execute(const std::string& sql);
  Expected<Statement> prepare(const std::string& sql);

 private:
  struct Close {
    void operator()(sqlite3* db) const;
  };
  std::unique_ptr<sqlite3, Close> db_;
  std::string path_;
};

}  // namespace sweep::journal
