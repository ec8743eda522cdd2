#include "util/line_queue.hpp"

#include <algorithm>

#include "util/text.hpp"

namespace sweep {

void LineQueue::push(std::string text) {
  if (text.empty()) return;
  bytes_ += text.size();
  texts_.push_back(std::move(text));
  while (bytes_ > most_bytes_ && texts_.size() > 1) {
    const std::string& oldest = texts_.front();
    dropped_lines_ += static_cast<std::size_t>(std::count(oldest.begin(), oldest.end(), '\n'));
    bytes_ -= oldest.size();
    texts_.pop_front();
  }
}

std::optional<std::string> LineQueue::pop() {
  if (texts_.empty()) return std::nullopt;
  std::string out;
  if (dropped_lines_ > 0) {
    out = std::string(in_line_ ? "\n" : "") + "… " + counted(dropped_lines_, "line") +
          (dropped_lines_ == 1 ? " was" : " were") + " not shown\n";
    dropped_lines_ = 0;
  }
  bytes_ -= texts_.front().size();
  out += texts_.front();
  texts_.pop_front();
  in_line_ = !out.ends_with('\n');
  return out;
}

}  // namespace sweep
