#include "benchmarks/sweep-bench/core/sse.hpp"

#include <algorithm>

namespace sweep::client {

namespace {

std::size_t line_end(std::string_view text) {
  // Two memchr searches are faster than one search for both characters, because CR is rare.
  const std::size_t lf = text.find('\n');
  const std::size_t cr = text.substr(0, lf).find('\r');
  return cr == std::string_view::npos ? lf : cr;
}

}  // namespace

Expected<void> SseParser::feed(std::string_view bytes, const Consumer& consume) {
  while (!bytes.empty() && !stopped_) {
    if (after_cr_ && bytes.front() == '\n') bytes.remove_prefix(1);
    after_cr_ = false;
    const std::size_t end = line_end(bytes);
    const std::string_view piece = bytes.substr(0, end);
    if (partial_.size() + piece.size() > kMaxEvent)
      return fail("a line is longer than " + std::to_string(kMaxEvent) + " bytes");
    if (end == std::string_view::npos) {
      partial_.append(piece);
      break;
    }
    after_cr_ = bytes[end] == '\r';
    if (partial_.empty()) {
      if (!line(piece, consume)) stopped_ = true;
    } else {
      partial_.append(piece);
      const std::string whole = std::move(partial_);
      partial_.clear();
      if (!line(whole, consume)) stopped_ = true;
    }
    if (too_long_) return fail("an event is longer than " + std::to_string(kMaxEvent) + " bytes");
    bytes.remove_prefix(end + 1);
  }
  return {};
}

Expected<void> SseParser::finish(const Consumer& consume) {
  if (stopped_) return {};
  if (!partial_.empty()) {
    const std::string last = std::move(partial_);
    partial_.clear();
    if (!line(last, consume)) return {};
    if (too_long_) return fail("an event is longer than " + std::to_string(kMaxEvent) + " bytes");
  }
  static_cast<void>(dispatch(consume));
  return {};
}

bool SseParser::dispatch(const Consumer& consume) {
  if (!has_data_ && name_.empty()) return true;
  has_data_ = false;
  const bool more = consume(name_, data_);
  name_.clear();
  data_.clear();
  return more;
}

bool SseParser::line(std::string_view line, const Consumer& consume) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (first_line_ && line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
  first_line_ = false;
  if (line.empty()) return dispatch(consume);
  const std::size_t colon = line.find(':');
  const std::string_view field = line.substr(0, colon);
  std::string_view value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (field == "data") return add_data(value);
  if (field == "event") {
    name_ = value;
  } else if (field == "error" && colon != std::string_view::npos) {
    name_ = field;
    return add_data(value);
  } else if (!field.empty() && field != "id" && field != "retry") {
    add_unknown(line);
  }
  return true;
}

/// Adds a line to the event's data. Sets too_long_ if the event is then too long.
bool SseParser::add_data(std::string_view value) {
  if (data_.size() + value.size() > kMaxEvent) return too_long_ = true;
  if (has_data_) data_ += '\n';
  data_.append(value);
  has_data_ = true;
  return true;
}

void SseParser::add_unknown(std::string_view line) {
  ++unknown_lines_;
  if (unknown_text_.size() + line.size() >= kMaxUnknown)
    line = line.substr(0, kMaxUnknown - std::min(kMaxUnknown, unknown_text_.size() + 1));
  if (line.empty()) return;
  if (!unknown_text_.empty()) unknown_text_ += '\n';
  unknown_text_.append(line);
}

}  // namespace sweep::client
