#include "benchmarks/sweep-bench/core/sse.hpp"

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
  if (!has_data_) return true;
  has_data_ = false;
  const bool more = consume(data_);
  data_.clear();
  return more;
}

bool SseParser::line(std::string_view line, const Consumer& consume) {
  if (line.empty()) return dispatch(consume);
  if (line.starts_with("data:")) {
    line.remove_prefix(5);
    if (line.starts_with(' ')) line.remove_prefix(1);
    if (data_.size() + line.size() > kMaxEvent) return too_long_ = true;
    if (has_data_) data_ += '\n';
    data_.append(line);
    has_data_ = true;
    return true;
  }
  if (line == "data") {
    if (has_data_) data_ += '\n';
    has_data_ = true;
    return true;
  }
  const bool known = line.starts_with(':') || line.starts_with("event") || line.starts_with("id") ||
                     line.starts_with("retry");
  if (!known) ++unknown_lines_;
  return true;
}

}  // namespace sweep::client
