#include "controller/python/number.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>

#include "util/text.hpp"

namespace sweep::python {

namespace {

bool digit(char c) {
  return c >= '0' && c <= '9';
}

// Returns `text` without blanks, underscores and a plus sign, which from_chars does not accept; std::nullopt
// if invalid.
std::optional<std::string> plain(std::string_view text) {
  auto out = without_blanks_and_underscores(text);
  if (out && out->starts_with('+')) {
    out->erase(0, 1);
    if (out->starts_with('-')) return std::nullopt;
  }
  return out;
}

std::optional<double> special(const std::string& word) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (word == "inf" || word == "infinity") return kInfinity;
  if (word == "-inf" || word == "-infinity") return -kInfinity;
  if (word == "nan" || word == "-nan") return std::numeric_limits<double>::quiet_NaN();
  return std::nullopt;
}

}  // namespace

std::optional<std::string> without_blanks_and_underscores(std::string_view text) {
  const std::string_view body = trimmed(text, " \t\n\r\f\v");
  std::string out;
  for (std::size_t i = 0; i < body.size(); ++i) {
    if (body[i] != '_') {
      out += body[i];
    } else if (i == 0 || i + 1 == body.size() || !digit(body[i - 1]) || !digit(body[i + 1])) {
      return std::nullopt;
    }
  }
  return out;
}

std::optional<std::int64_t> parse_int(std::string_view text) {
  const auto digits = plain(text);
  if (!digits) return std::nullopt;
  std::int64_t value = 0;
  const char* end = digits->data() + digits->size();
  const auto [stop, code] = std::from_chars(digits->data(), end, value);
  if (code != std::errc() || stop != end) return std::nullopt;
  return value;
}

std::optional<double> parse_float(std::string_view text) {
  const auto digits = plain(text);
  if (!digits) return std::nullopt;
  if (const auto value = special(ascii_lower(*digits))) return value;
  // from_chars also accepts nan(…), which Python rejects.
  if (digits->find_first_not_of("0123456789+-.eE") != std::string::npos) return std::nullopt;
  double value = 0;
  const char* end = digits->data() + digits->size();
  const auto [stop, code] = std::from_chars(digits->data(), end, value);
  if (stop != end || code == std::errc::invalid_argument) return std::nullopt;
  if (code == std::errc::result_out_of_range) return std::strtod(digits->c_str(), nullptr);  // ±inf or 0
  return value;
}

std::string repr(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  char buffer[40];
  const auto [end, code] =
      std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific);
  std::string text(buffer, end);  // -d.ddde±xx with at least two exponent digits, as in Python
  const std::size_t e = text.find('e');
  const int exponent = std::stoi(text.substr(e + 1));
  if (exponent < -4 || exponent >= 16) return text;
  const std::string sign = text[0] == '-' ? "-" : "";
  std::string digits = text.substr(sign.size(), e - sign.size());
  std::erase(digits, '.');
  if (exponent < 0) return sign + "0." + std::string(static_cast<std::size_t>(-exponent - 1), '0') + digits;
  const std::size_t whole = static_cast<std::size_t>(exponent) + 1;
  if (digits.size() <= whole) return sign + digits + std::string(whole - digits.size(), '0') + ".0";
  return sign + digits.substr(0, whole) + "." + digits.substr(whole);
}

std::string four_decimals(double value) {
  if (!std::isfinite(value)) return repr(value);
  char buffer[400];
  std::snprintf(buffer, sizeof buffer, "%.4f", value);
  return buffer;
}

}  // namespace sweep::python
