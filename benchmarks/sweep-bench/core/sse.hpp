// Server-sent events out of a stream of bytes (WHATWG HTML, section 9.2.6, without what only browsers need).
// Pure.
//
// Rules: how the bytes are cut makes no difference; lines end in LF, CRLF or CR; comments and unknown fields
// are left out; a line or event longer than kMaxEvent is an error, so a peer cannot fill the memory.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "util/error.hpp"

namespace sweep::client {

class SseParser {
 public:
  static constexpr std::size_t kMaxEvent = 1 << 20;  // bytes

  /// Takes an event's data; false: no more of them are wanted.
  using Take = std::function<bool(std::string_view)>;

  /// Hands the data of each event that ends in `bytes` to `take`. Fails when a line does not end.
  Expected<void> feed(std::string_view bytes, const Take& take);

  /// The stream has ended: an event whose empty line is missing is handed out as it is.
  Expected<void> finish(const Take& take);

  /// How many lines were neither fields of an event nor comments: what a stream of something else has.
  std::size_t strange_lines() const { return strange_; }

 private:
  bool line(std::string_view line, const Take& take);
  bool dispatch(const Take& take);

  std::string partial_;  // a line that has not ended
  std::string data_;     // of the event that has not ended
  bool has_data_ = false, after_cr_ = false, stopped_ = false, too_long_ = false;
  std::size_t strange_ = 0;
};

}  // namespace sweep::client
