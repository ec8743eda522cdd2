#include "controller/power/csv_rows.hpp"

namespace sweep::power {

void CsvRows::feed(std::string_view bytes) {
  for (const char c : bytes) {
    if (too_long_) return;
    take(c);
  }
}

void CsvRows::finish() {
  if (!too_long_ && state_ != State::RowStart) end_row();
}

void CsvRows::take(char c) {
  if (after_return_ && c == '\n') {
    after_return_ = false;
    return;
  }
  after_return_ = false;
  if (state_ == State::RowStart) {
    first_line_ = line_;
    used_ = 0;
  }
  const bool ends_line = c == '\n' || c == '\r';
  if (ends_line) ++line_;
  if (ends_line && state_ != State::Quoted) {
    after_return_ = c == '\r';
    return end_row();
  }
  take_in_field(c);
}

void CsvRows::take_in_field(char c) {
  switch (state_) {
    case State::RowStart:
    case State::FieldStart:
      if (state_ == State::RowStart || used_ == 0) {
        if (used_ == fields_.size()) fields_.emplace_back();
        fields_[used_++].clear();
      }
      state_ = State::FieldStart;
      if (c == '"') {
        state_ = State::Quoted;
      } else if (c == ',') {
        end_field();
      } else if (c != ' ' || blanks_ == Blanks::Keep) {
        state_ = State::Plain;
        append(c);
      }
      return;
    case State::Plain:
      return c == ',' ? end_field() : append(c);
    case State::Quoted:
      if (c == '"') {
        state_ = State::QuoteInQuoted;
      } else {
        append(c);
      }
      return;
    case State::QuoteInQuoted:
      if (c == ',') return end_field();
      state_ = c == '"' ? State::Quoted : State::Plain;
      append(c);
  }
}

void CsvRows::append(char c) {
  std::string& field = fields_[used_ - 1];
  if (field.size() >= kMaxCsvField) {
    too_long_ = true;
    return;
  }
  field += c;
}

void CsvRows::end_field() {
  state_ = State::FieldStart;
  if (used_ == fields_.size()) fields_.emplace_back();
  fields_[used_++].clear();
}

void CsvRows::end_row() {
  state_ = State::RowStart;
  take_(std::span(fields_).first(used_), first_line_);
  used_ = 0;
}

}  // namespace sweep::power
