// Splits CSV text into rows as Python's csv module does, in one pass over pieces of any size, so that a file of
// hours is never in memory as a whole. Pure.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sweep::power {

/// The longest field that Python's csv module reads, in bytes.
constexpr std::size_t kMaxCsvField = 131'072;

class CsvRows {
 public:
  /// Receives the fields of one row and the number of its first line, from 1. A blank line is a row without
  /// fields.
  using Take = std::function<void(std::span<const std::string> fields, std::size_t line)>;
  enum class Blanks { Keep, SkipAfterComma };  // csv's skipinitialspace

  CsvRows(Blanks blanks, Take take) : blanks_(blanks), take_(std::move(take)) {}

  /// Reads the next bytes of the file.
  void feed(std::string_view bytes);
  /// Ends the last row, which need not have a line feed.
  void finish();
  /// Returns true if a field was longer than kMaxCsvField. Python reads nothing after it, and neither does this.
  bool too_long() const { return too_long_; }

 private:
  enum class State { RowStart, FieldStart, Plain, Quoted, QuoteInQuoted };

  void take(char c);
  void take_in_field(char c);
  void append(char c);
  void end_field();
  void end_row();

  Blanks blanks_;
  Take take_;
  State state_ = State::RowStart;
  bool after_return_ = false;  // the last byte was a carriage return that ended a row
  bool too_long_ = false;
  std::size_t line_ = 1, first_line_ = 1;
  std::size_t used_ = 0;             // fields of the current row; the strings beyond are kept for later rows
  std::vector<std::string> fields_;  // the last used one is being filled
};

}  // namespace sweep::power
