#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "controller/profile/profile.hpp"

namespace sweep::profile {

namespace {

struct Unit {
  std::string_view suffix;
  double ms;
};
constexpr std::array<Unit, 6> kUnits = {
    {{"ms", 1}, {"s", 1e3}, {"m", 60e3}, {"h", 3600e3}, {"d", 24 * 3600e3}, {"", 1e3}}};
constexpr double kLongest = 1000.0 * 24 * 3600e3;  // a thousand days: beyond it somebody mistyped

}  // namespace

std::optional<Millis> parse_duration(std::string_view text) {
  if (text == "none") return Millis(0);
  double value = 0;
  const auto [rest, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || !std::isfinite(value) || value < 0) return std::nullopt;
  const std::string_view suffix(rest, static_cast<std::size_t>(text.data() + text.size() - rest));
  for (const Unit& unit : kUnits) {
    if (unit.suffix != suffix) continue;
    const double ms = value * unit.ms;
    if (ms > kLongest) return std::nullopt;
    return Millis(std::max(std::llround(ms), value > 0 ? 1LL : 0LL));  // a short time does not become none
  }
  return std::nullopt;
}

}  // namespace sweep::profile
