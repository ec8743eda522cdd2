#include "controller/profile/host_pattern.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <vector>

#include "util/text.hpp"

namespace sweep::profile {

namespace {

std::optional<std::uint64_t> number(std::string_view digits) {
  std::uint64_t out = 0;
  const auto [rest, code] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
  const bool whole = code == std::errc() && rest == digits.data() + digits.size() && !digits.empty();
  return whole ? std::optional(out) : std::nullopt;
}

struct Range {
  std::uint64_t first = 0, last = 0;
  std::size_t width = 0;  // of a number with leading zeros; 0: it has none
};

/// Returns the range "4", "1-4" or "008-012".
std::optional<Range> range_of(std::string_view text) {
  const std::size_t dash = text.find('-');
  const std::string_view low = text.substr(0, dash);
  const auto first = number(low);
  const auto last = dash == std::string_view::npos ? first : number(text.substr(dash + 1));
  if (!first || !last || *last < *first) return std::nullopt;
  return Range{*first, *last, low.size() > 1 && low[0] == '0' ? low.size() : 0};
}

bool in_range(const Range& range, std::string_view digits) {
  const auto value = number(digits);
  if (!value || *value < range.first || *value > range.last) return false;
  const bool padded = digits.size() > 1 && digits[0] == '0';
  return range.width > 0 ? digits.size() == std::max(range.width, std::to_string(*value).size()) : !padded;
}

/// Splits a list at the commas outside brackets.
std::vector<std::string_view> items_of(std::string_view list) {
  std::vector<std::string_view> out;
  bool inside = false;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= list.size(); ++i) {
    if (i < list.size() && list[i] == '[') inside = true;
    if (i < list.size() && list[i] == ']') inside = false;
    if (i < list.size() && (list[i] != ',' || inside)) continue;
    out.push_back(list.substr(begin, i - begin));
    begin = i + 1;
  }
  return out;
}

/// Returns true if the name is one of an item, which may have brackets.
bool is_in_item(std::string_view item, std::string_view name) {
  const std::size_t open = item.find('['), close = item.find(']', open);
  if (open == std::string_view::npos || close == std::string_view::npos) return matches(item, name);
  if (name.substr(0, open) != item.substr(0, open)) return false;
  std::size_t end = open;
  while (end < name.size() && name[end] >= '0' && name[end] <= '9')
    ++end;
  for (const std::string& text : split(std::string(item.substr(open + 1, close - open - 1)), ',')) {
    const auto range = range_of(text);
    if (range && in_range(*range, name.substr(open, end - open)) &&
        is_in_item(item.substr(close + 1), name.substr(end)))
      return true;
  }
  return false;
}

}  // namespace

bool matches(std::string_view pattern, std::string_view text) {
  const auto star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == text;
  if (text.substr(0, star) != pattern.substr(0, star)) return false;
  const std::string_view rest = pattern.substr(star + 1);
  for (std::size_t at = star; at <= text.size(); ++at) {
    if (matches(rest, text.substr(at))) return true;
  }
  return false;
}

bool contains_host(std::string_view list, std::string_view node) {
  const auto items = items_of(list);
  return std::any_of(items.begin(), items.end(),
                     [&](std::string_view item) { return is_in_item(item, node); });
}

std::string host_list_problem(std::string_view list) {
  for (const std::string_view item : items_of(list)) {
    if (item.empty()) return "has an empty name";
    for (std::size_t open = item.find_first_of("[]"); open != std::string_view::npos;) {
      const std::size_t close = item.find(']', open);
      if (item[open] == ']' || close == std::string_view::npos) return "has a bracket without its other half";
      for (const std::string& text : split(std::string(item.substr(open + 1, close - open - 1)), ',')) {
        if (!range_of(text))
          return "has '" + printable(text) + "' in brackets, which is not a number or a range such as 1-4";
      }
      open = item.find_first_of("[]", close + 1);
    }
  }
  return {};
}

}  // namespace sweep::profile
