// The log files of a sweep, and which of them a person means. Pure: names in, names out.
//
// Rule: a file's name is RESULT_FILENAME.attemptN.out or .err. RESULT_FILENAME contains the node, so attempts of one point
// can have different ones, and the numbers of its attempts are distinct.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "util/error.hpp"

namespace sweep::view {

/// The logs of one attempt.
struct AttemptLogs {
  std::string stem;  // RESULT_FILENAME
  int attempt = 0;
  bool has_out = false, has_err = false;

  /// Returns the name of its file in logs/.
  std::string file(bool is_stderr) const;
};

/// Returns the logs of attempts among the names of the files in logs/, in the order of their stems and attempts.
std::vector<AttemptLogs> attempt_logs(const std::vector<std::string>& names);

/// Returns the logs of the attempt that `text` and `attempt` mean: those whose stem is `text`, or else contains it. nullopt
/// as the number means the last attempt. Fails if there are none, or those of several points; the message lists what can
/// be named.
Expected<AttemptLogs> choose_logs(const std::vector<AttemptLogs>& all, const std::string& text,
                                  std::optional<std::int64_t> attempt);

/// Returns the logs whose stem is `text`, or else those whose stem contains it.
std::vector<AttemptLogs> logs_named(const std::vector<AttemptLogs>& all, const std::string& text);

/// Returns one line for each attempt: its stem, and its number if that is not 1.
std::string logs_list(const std::vector<AttemptLogs>& all);

}  // namespace sweep::view
