#include "controller/ci/decimal_score.hpp"

#include <array>
#include <charconv>
#include <cstdio>

#include "util/text.hpp"

namespace sweep::ci {

namespace {

constexpr int kUnitDigits = 18;
constexpr std::int64_t kUnitsPerThousandth = 1'000'000'000'000'000;  // 10^-3 in units of 10^-18
constexpr int kMostDigits = 18;

bool is_score_digit(char c) {
  return c >= '0' && c <= '9';
}

tl::unexpected<Error> no_score(std::string_view text) {
  return fail("'" + std::string(text) +
              "' is not a decimal number of at most 15 digits before and 18 behind the point");
}

}  // namespace

Expected<DecimalScore> DecimalScore::parse(std::string_view text) {
  std::string_view rest = trimmed(text);
  const bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) rest.remove_prefix(1);
  int exponent = 0;
  if (const auto at = rest.find_first_of("eE"); at != std::string_view::npos) {
    std::string_view power = rest.substr(at + 1);
    if (power.starts_with('+')) power.remove_prefix(1);
    const auto read = std::from_chars(power.data(), power.data() + power.size(), exponent);
    if (read.ec != std::errc() || read.ptr != power.data() + power.size()) return no_score(text);
    rest = rest.substr(0, at);
  }
  Units digits = 0;
  int count = 0;
  bool fraction = false, any = false;
  for (const char c : rest) {
    if (c == '.' && !fraction) {
      fraction = true;
      continue;
    }
    if (!is_score_digit(c)) return no_score(text);
    any = true;
    digits = digits * 10 + (c - '0');
    count += digits == 0 ? 0 : 1;
    exponent -= fraction ? 1 : 0;
    if (count > kMostDigits) return no_score(text);
  }
  const int shift = exponent + kUnitDigits;
  if (!any || (digits != 0 && (shift < 0 || shift + count > kUnitDigits + 15))) return no_score(text);
  for (int i = 0; i < shift && digits != 0; ++i)
    digits *= 10;
  DecimalScore out;
  out.units_ = negative ? -digits : digits;
  return out;
}

std::string DecimalScore::three_decimals() const {
  const bool negative = units_ < 0;
  const Units magnitude = negative ? -units_ : units_;
  const auto thousandths =
      static_cast<std::int64_t>((magnitude + kUnitsPerThousandth / 2) / kUnitsPerThousandth);
  std::array<char, 32> out{};
  std::snprintf(out.data(), out.size(), "%s%lld.%03lld", negative ? "-" : "",
                static_cast<long long>(thousandths / 1000), static_cast<long long>(thousandths % 1000));
  return out.data();
}

}  // namespace sweep::ci
