// Parses server-sent events from a stream of bytes (WHATWG HTML, section 9.2.6, without the parts that only
// browsers need). Pure.
//
// Events do not depend on how the bytes are split into pieces. Lines end in LF, CRLF or CR. A byte order mark
// at the beginning and comments are ignored; the first lines that are neither comments nor known fields are
// kept, because they are often a server's words about a failure. A line or event longer than kMaxEvent is an
// error, so a peer cannot exhaust the memory.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "util/error.hpp"

namespace sweep::client {

class SseParser {
 public:
  static constexpr std::size_t kMaxEvent = 1 << 20;  // bytes
  static constexpr std::size_t kMaxUnknown = 16 << 10;

  /// Receives the name of an event (the field `event`; usually empty) and its data. Returns false to stop
  /// parsing. An event that has a name but no data is passed on too. The field `error`, with which some
  /// servers report failures, is passed on as an event called "error".
  using Consumer = std::function<bool(std::string_view name, std::string_view data)>;

  /// Calls `consume` for each event that is completed by `bytes`. Fails if a line or event is too long.
  Expected<void> feed(std::string_view bytes, const Consumer& consume);

  /// To be called at the end of the stream. Passes on an event whose final empty line is missing.
  Expected<void> finish(const Consumer& consume);

  /// Returns how many lines were neither event fields nor comments; these indicate that the stream is
  /// something else.
  std::size_t unknown_lines() const { return unknown_lines_; }
  /// Returns the first of these lines, with line breaks between them, at most kMaxUnknown bytes.
  const std::string& unknown_text() const { return unknown_text_; }

 private:
  bool line(std::string_view line, const Consumer& consume);
  bool add_data(std::string_view value);
  void add_unknown(std::string_view line);
  bool dispatch(const Consumer& consume);

  std::string partial_;      // an incomplete line
  std::string name_, data_;  // of the incomplete event
  bool has_data_ = false, first_line_ = true, after_cr_ = false, stopped_ = false, too_long_ = false;
  std::size_t unknown_lines_ = 0;
  std::string unknown_text_;
};

}  // namespace sweep::client
