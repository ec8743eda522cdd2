// Parses server-sent events from a stream of bytes (WHATWG HTML, section 9.2.6, without the parts that only
// browsers need). Pure.
//
// Events do not depend on how the bytes are split into pieces. Lines end in LF, CRLF or CR. Comments and
// unknown fields are ignored. A line or event longer than kMaxEvent is an error, so a peer cannot exhaust the
// memory.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "util/error.hpp"

namespace sweep::client {

class SseParser {
 public:
  static constexpr std::size_t kMaxEvent = 1 << 20;  // bytes

  /// Receives the data of an event. Returns false to stop parsing.
  using Consumer = std::function<bool(std::string_view)>;

  /// Calls `consume` with the data of each event that is completed by `bytes`. Fails if a line or event is
  /// too long.
  Expected<void> feed(std::string_view bytes, const Consumer& consume);

  /// To be called at the end of the stream. Passes on an event whose final empty line is missing.
  Expected<void> finish(const Consumer& consume);

  /// Returns how many lines were neither event fields nor comments; these indicate that the stream is
  /// something else.
  std::size_t unknown_lines() const { return unknown_lines_; }

 private:
  bool line(std::string_view line, const Consumer& consume);
  bool dispatch(const Consumer& consume);

  std::string partial_;  // an incomplete line
  std::string data_;     // of the incomplete event
  bool has_data_ = false, after_cr_ = false, stopped_ = false, too_long_ = false;
  std::size_t unknown_lines_ = 0;
};

}  // namespace sweep::client
