#include "controller/view/endings.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "util/text.hpp"

namespace sweep::view {

namespace {

constexpr std::size_t kMostListed = 5;  // points of a group
constexpr const char* kEndingIndent = "                ";

/// Returns the reason with the name of every result file, which is another for each point, replaced by that of
/// the variable: 'w/x.json' becomes 'w/$RESULT_FILENAME.json'.
std::string without_result_names(const std::string& reason) {
  constexpr std::string_view kEnd = ".json'";
  std::string out = reason;
  for (std::size_t end = out.find(kEnd); end != std::string::npos; end = out.find(kEnd, end + kEnd.size())) {
    const std::size_t quote = out.rfind('\'', end), slash = out.rfind('/', end);
    if (quote == std::string::npos) continue;
    const std::size_t name = slash != std::string::npos && slash > quote ? slash + 1 : quote + 1;
    constexpr std::string_view kVariable = "$RESULT_FILENAME";
    out.replace(name, end - name, kVariable);
    end = name + kVariable.size();
  }
  return out;
}

/// Returns the text with each number replaced by "0".
std::string without_numbers(const std::string& text) {
  std::string out;
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!is_digit(text[i])) {
      out += text[i];
      continue;
    }
    out += '0';
    while (i + 1 < text.size() &&
           (is_digit(text[i + 1]) || (text[i + 1] == '.' && i + 2 < text.size() && is_digit(text[i + 2]))))
      ++i;
  }
  return out;
}

std::string with_reason(const std::string& what, const std::string& reason) {
  return reason.empty() ? what : what + ": " + reason;
}

}  // namespace

void Endings::add(Ending ending) {
  const std::string reason = without_result_names(ending.reason);
  const std::string same = ending.word == "invalid" ? without_numbers(reason) : reason;
  const auto [place, is_new] = index_.emplace(ending.word + "\n" + same, groups_.size());
  if (is_new) groups_.emplace_back();
  Group& group = groups_[place->second];
  ++group.points;
  if (group.labels.size() < kMostListed) group.labels.push_back(ending.label);
  if (is_new) {
    if (find_log_ && !ending.log_stem.empty()) group.log = find_log_(ending.log_stem);
    group.first = std::move(ending);
  } else {
    group.differ = group.differ || reason != without_result_names(group.first.reason);
  }
}

std::string Endings::text(std::size_t width) const {
  std::string out;
  for (const Group& group : groups_) {
    const Ending& first = group.first;
    std::string word = "  " + first.word;
    word.resize(std::max(word.size() + 2, width + 4), ' ');
    if (group.points == 1) {
      out += word + with_reason(first.label, first.reason) + "\n";
    } else {
      out += word + with_reason(counted(group.points, "point"), without_result_names(first.reason)) +
             (group.differ ? " (numbers of the first)" : "") + "\n";
      const std::size_t shown = group.points <= kMostListed ? group.points : kMostListed - 1;
      for (std::size_t i = 0; i < shown; ++i)
        out += kEndingIndent + group.labels[i] + "\n";
      if (shown < group.points)
        out += kEndingIndent + ("and " + std::to_string(group.points - shown)) + " more\n";
    }
    for (const std::string& line : first.server_says)
      out += kEndingIndent + ("| " + line) + "\n";
    if (!group.log.empty())
      out +=
          kEndingIndent + std::string(group.points == 1 ? "log: " : "log of the first: ") + group.log + "\n";
  }
  return out;
}

}  // namespace sweep::view
