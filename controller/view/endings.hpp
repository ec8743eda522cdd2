// Formats the points that are not done, or whose results are not valid. Points that ended alike are one entry
// with their number and their common reason. Pure.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace sweep::view {

/// Returns the path of an attempt's log for people, given its path without .out and .err; "" if the attempt has
/// printed nothing.
using FindLog = std::function<std::string(const std::string& log_stem)>;

/// How a point ended. All texts must be printable.
struct Ending {
  std::string word;  // "failed", "invalid", "unfinished"
  std::string label;
  std::string reason;                    // may be empty
  std::string log_stem;                  // path of its log without .out and .err; empty: none
  std::vector<std::string> server_says;  // the last lines of a server that failed
};

/// Points with the same word and reason are one group. Reasons are the same if they differ only in the name of
/// the result file; those of invalid results also if they differ only in their numbers.
class Endings {
 public:
  /// `find_log` is called once for each group.
  explicit Endings(FindLog find_log) : find_log_(std::move(find_log)) {}
  void add(Ending ending);
  /// Returns the groups in the order of their first points. Words are padded to `width` columns. A group of
  /// several points lists the first of them, and the log of the first.
  std::string text(std::size_t width) const;

 private:
  struct Group {
    Ending first;
    std::string log;                  // of the first
    std::vector<std::string> labels;  // of the first few points
    std::size_t points = 0;
    bool differ = false;  // in numbers
  };
  FindLog find_log_;
  std::vector<Group> groups_;
  std::map<std::string, std::size_t> index_;
};

}  // namespace sweep::view
