#include "controller/view/log_files.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <utility>

#include "util/text.hpp"

namespace sweep::view {

namespace {

constexpr std::string_view kAttempt = ".attempt", kOut = ".out", kErr = ".err";

/// Returns "stem" or "stem, attempt 2".
std::string name_of(const AttemptLogs& logs) {
  return printable(logs.stem) + (logs.attempt == 1 ? "" : ", attempt " + std::to_string(logs.attempt));
}

/// Returns the first logs as a list for a message.
std::string some_of(const std::vector<AttemptLogs>& all) {
  constexpr std::size_t kMost = 8;
  std::string out;
  for (std::size_t i = 0; i < std::min(all.size(), kMost); ++i)
    out += "\n  " + name_of(all[i]);
  return out + (all.size() > kMost ? "\n  and " + std::to_string(all.size() - kMost) + " more" : "");
}

bool have_distinct_attempts(const std::vector<AttemptLogs>& all) {
  std::set<int> numbers;
  return std::all_of(all.begin(), all.end(),
                     [&](const AttemptLogs& logs) { return numbers.insert(logs.attempt).second; });
}

}  // namespace

std::vector<AttemptLogs> logs_named(const std::vector<AttemptLogs>& all, const std::string& text) {
  std::vector<AttemptLogs> exact, containing;
  for (const AttemptLogs& logs : all) {
    if (logs.stem == text) exact.push_back(logs);
    if (logs.stem.find(text) != std::string::npos) containing.push_back(logs);
  }
  return exact.empty() ? containing : exact;
}

std::string AttemptLogs::file(bool is_stderr) const {
  return stem + std::string(kAttempt) + std::to_string(attempt) + std::string(is_stderr ? kErr : kOut);
}

std::vector<AttemptLogs> attempt_logs(const std::vector<std::string>& names) {
  std::map<std::pair<std::string, int>, AttemptLogs> found;
  for (const std::string& name : names) {
    const bool is_err = name.ends_with(kErr);
    const std::size_t at = name.rfind(kAttempt);
    if ((!is_err && !name.ends_with(kOut)) || at == std::string::npos) continue;
    int number = 0;
    const char* const first = name.data() + at + kAttempt.size();
    const char* const last = name.data() + name.size() - kOut.size();
    if (const auto [end, code] = std::from_chars(first, last, number);
        code != std::errc() || end != last || number < 1)
      continue;
    AttemptLogs& logs = found[{name.substr(0, at), number}];
    logs.stem = name.substr(0, at);
    logs.attempt = number;
    (is_err ? logs.has_err : logs.has_out) = true;
  }
  std::vector<AttemptLogs> out;
  for (auto& [key, logs] : found)
    out.push_back(std::move(logs));
  return out;
}

Expected<AttemptLogs> choose_logs(const std::vector<AttemptLogs>& all, const std::string& text,
                                  std::optional<std::int64_t> attempt) {
  std::vector<AttemptLogs> found = logs_named(all, text);
  if (found.empty())
    return fail("no log has '" + printable(text) + "' in its name; there are:" + some_of(all));
  if (!have_distinct_attempts(found))
    return fail("the logs of several points have '" + printable(text) +
                "' in their names; name one of:" + some_of(found));
  const auto is_wanted = [&](const AttemptLogs& logs) { return !attempt || logs.attempt == *attempt; };
  std::erase_if(found, [&](const AttemptLogs& logs) { return !is_wanted(logs); });
  if (found.empty())
    return fail("there is no log of attempt " + std::to_string(*attempt) +
                "; there are:" + some_of(logs_named(all, text)));
  return *std::max_element(found.begin(), found.end(),
                           [](const AttemptLogs& a, const AttemptLogs& b) { return a.attempt < b.attempt; });
}

std::string logs_list(const std::vector<AttemptLogs>& all) {
  std::string out;
  for (const AttemptLogs& logs : all)
    out += name_of(logs) + "\n";
  return out;
}

}  // namespace sweep::view
