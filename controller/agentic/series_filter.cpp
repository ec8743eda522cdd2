#include "controller/agentic/series_filter.hpp"

namespace sweep::agentic {

void SeriesFilter::feed(std::string_view bytes) {
  for (const char c : bytes) {
    if (in_string_) {
      take_in_string(c);
    } else {
      take(c);
    }
  }
}

void SeriesFilter::emit(char c) {
  if (skipped_in_ == 0 || c == '\n') text_ += c;
}

void SeriesFilter::take_in_string(char c) {
  emit(c);
  if (escaped_) {
    escaped_ = false;
  } else if (c == '\\') {
    escaped_ = true;
  } else if (c == '"') {
    in_string_ = false;
    if (in_key_) keys_.back() = key_;
    in_key_ = false;
    return;
  }
  if (in_key_) key_ += c;
}

// Returns true after the colon of a member in metrics → NAME → series → element that the result does not need.
bool SeriesFilter::is_superfluous_member() const {
  if (open_ != "{{{[{" || keys_[0] != "metrics" || keys_[2] != "series") return false;
  const std::string& key = keys_.back();
  return key != "labels" && key != "stats" && key != "endpoint_url";
}

void SeriesFilter::take(char c) {
  switch (c) {
    case '"':
      in_string_ = true;
      in_key_ = key_is_next_;
      key_.clear();
      return emit(c);
    case '{':
    case '[':
      open_ += c;
      keys_.emplace_back();
      key_is_next_ = c == '{';
      return emit(c);
    case '}':
    case ']':
      if (skipped_in_ == open_.size()) skipped_in_ = 0;
      key_is_next_ = false;
      if (!open_.empty()) {
        open_.pop_back();
        keys_.pop_back();
      }
      return emit(c);
    case ',':
      if (skipped_in_ == open_.size()) skipped_in_ = 0;
      key_is_next_ = !open_.empty() && open_.back() == '{';
      return emit(c);
    case ':':
      emit(c);
      key_is_next_ = false;
      if (skipped_in_ == 0 && is_superfluous_member()) {
        text_ += "null";
        skipped_in_ = open_.size();
      }
      return;
    default:
      return emit(c);
  }
}

}  // namespace sweep::agentic
