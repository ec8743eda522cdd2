#include "controller/profile/duration.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace sweep::profile {

namespace {

struct Unit {
  std::string_view suffix;
  std::int64_t size;
};

// The largest first, as duration_text() tries them.
constexpr std::array<Unit, 5> kTimes = {
    {{"d", 24 * 3'600'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
constexpr std::int64_t kLongestMs = std::int64_t{1000} * 24 * 3'600'000;  // a longer one is a typing error

constexpr std::array<Unit, 5> kSizes = {
    {{"T", 1'000'000'000'000}, {"G", 1'000'000'000}, {"M", 1'000'000}, {"K", 1'000}, {"", 1}}};
constexpr std::int64_t kMaxSize = std::int64_t{1} << 50;

/// Returns the size of a unit; 0 if it is unknown.
template <std::size_t N>
std::int64_t unit_size(const std::array<Unit, N>& units, std::string_view suffix) {
  const auto found =
      std::find_if(units.begin(), units.end(), [&](const Unit& unit) { return unit.suffix == suffix; });
  return found == units.end() ? 0 : found->size;
}

/// Returns `value` in the largest unit that divides it.
template <std::size_t N>
std::string in_units(const std::array<Unit, N>& units, std::int64_t value) {
  for (const Unit& unit : units) {
    if (value > 0 && value % unit.size == 0)
      return std::to_string(value / unit.size) + std::string(unit.suffix);
  }
  return std::to_string(value);
}

}  // namespace

std::optional<Millis> parse_duration(std::string_view text) {
  if (text == "none") return Millis(0);
  double value = 0;
  const auto [rest, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || !std::isfinite(value) || value < 0) return std::nullopt;
  const std::string_view suffix(rest, static_cast<std::size_t>(text.data() + text.size() - rest));
  const std::int64_t unit = suffix.empty() ? 1'000 : unit_size(kTimes, suffix);
  const double ms = value * static_cast<double>(unit);
  if (unit == 0 || ms > static_cast<double>(kLongestMs)) return std::nullopt;
  return Millis(std::max(std::llround(ms), value > 0 ? 1LL : 0LL));  // a short time must not become "none"
}

std::string duration_text(Millis time) {
  return time.count() == 0 ? "none" : in_units(kTimes, time.count());
}

std::optional<std::int64_t> parse_size(std::string_view text) {
  std::int64_t value = -1;
  const auto [rest, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string_view suffix(rest, static_cast<std::size_t>(text.data() + text.size() - rest));
  const std::int64_t unit = unit_size(kSizes, suffix);
  if (code != std::errc() || unit == 0 || value < 0 || value > kMaxSize / unit) return std::nullopt;
  return value * unit;
}

std::string size_text(std::int64_t bytes) {
  return in_units(kSizes, bytes);
}

}  // namespace sweep::profile
