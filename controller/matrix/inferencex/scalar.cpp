#include "controller/matrix/inferencex/scalar.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include "controller/python/number.hpp"
#include "util/text.hpp"

namespace sweep::matrix::inferencex {

namespace {

constexpr std::size_t kMaxDigits = 18;  // a number of so many digits fits into 64 bits

bool is_decimal_digit(char c) {
  return c >= '0' && c <= '9';
}

// Returns the value of digits, saturated beyond 64 bits.
std::int64_t value_of_digits(std::string_view digits) {
  while (digits.size() > 1 && digits.front() == '0')
    digits.remove_prefix(1);
  if (digits.size() > kMaxDigits) return INT64_MAX;
  std::int64_t value = 0;
  for (const char c : digits)
    value = value * 10 + (c - '0');
  return value;
}

// Reads [+-]digits[.000] with single underscores between digits and blanks around it.
std::optional<std::int64_t> integer_in(std::string_view text) {
  const auto plain = python::without_blanks_and_underscores(text);
  if (!plain || plain->empty()) return std::nullopt;
  std::string_view rest = *plain;
  const bool negative = rest.front() == '-';
  if (negative || rest.front() == '+') rest.remove_prefix(1);
  const std::size_t point = rest.find('.');
  const std::string_view whole = rest.substr(0, point);
  if (whole.empty() || !std::all_of(whole.begin(), whole.end(), is_decimal_digit)) return std::nullopt;
  if (point != std::string_view::npos) {
    const std::string_view zeros = rest.substr(point + 1);
    if (zeros.empty() || zeros.find_first_not_of('0') != std::string_view::npos) return std::nullopt;
  }
  const std::int64_t value = value_of_digits(whole);
  return negative ? -value : value;
}

// Returns the value of a YAML float. Colons separate digits of base 60.
double value_of_float(const yaml::Value& value) {
  std::string text;
  std::copy_if(value.text.begin(), value.text.end(), std::back_inserter(text),
               [](char c) { return c != '_'; });
  const std::string body = text.substr(!text.empty() && (text[0] == '-' || text[0] == '+') ? 1 : 0);
  const double sign = text.starts_with('-') ? -1 : 1;
  const std::string lower = ascii_lower(body);
  if (lower == ".inf") return sign * HUGE_VAL;
  if (lower == ".nan") return NAN;
  double sum = 0;
  for (const std::string& part : split(body, ':'))
    sum = sum * 60 + std::strtod(part.c_str(), nullptr);
  return sign * sum;
}

Scalar spelled(std::int64_t number, Scalar::Spelling spelling, std::string text = {}) {
  Scalar out;
  out.number = number;
  out.spelling = spelling;
  out.text = std::move(text);
  return out;
}

}  // namespace

Scalar scalar(std::int64_t number) {
  return spelled(number, Scalar::Spelling::Int);
}

std::optional<Scalar> read_strict_integer(const yaml::Value& value) {
  if (!value.is(yaml::Kind::Int)) return std::nullopt;
  return spelled(value.scalar.integer, Scalar::Spelling::Int);
}

std::optional<Scalar> read_integer(const yaml::Value& value) {
  if (value.is(yaml::Kind::Int)) return read_strict_integer(value);
  if (value.is(yaml::Kind::Bool)) return spelled(value.scalar.truth ? 1 : 0, Scalar::Spelling::Bool);
  if (value.is(yaml::Kind::Text)) {
    const auto number = integer_in(value.text);
    if (!number) return std::nullopt;
    return spelled(*number, Scalar::Spelling::Text, value.text);
  }
  if (!value.is(yaml::Kind::Float)) return std::nullopt;
  const double real = value_of_float(value);
  if (!std::isfinite(real) || std::trunc(real) != real) return std::nullopt;
  const double limit = 2.0 * static_cast<double>(kMaxMagnitude);
  return spelled(static_cast<std::int64_t>(std::clamp(real, -limit, limit)), Scalar::Spelling::Float);
}

std::optional<Scalar> read_boolean(const yaml::Value& value) {
  constexpr std::array<std::string_view, 6> kTrue = {"1", "on", "t", "true", "y", "yes"};
  constexpr std::array<std::string_view, 6> kFalse = {"0", "off", "f", "false", "n", "no"};
  if (value.is(yaml::Kind::Text)) {
    const std::string lower = ascii_lower(value.text);
    const bool truth = std::find(kTrue.begin(), kTrue.end(), lower) != kTrue.end();
    if (!truth && std::find(kFalse.begin(), kFalse.end(), lower) == kFalse.end()) return std::nullopt;
    return spelled(truth ? 1 : 0, Scalar::Spelling::Text, value.text);
  }
  auto number = read_integer(value);
  return number && (number->number == 0 || number->number == 1) ? number : std::nullopt;
}

std::optional<double> read_real(const yaml::Value& value) {
  if (value.is(yaml::Kind::Bool)) return value.scalar.truth ? 1.0 : 0.0;
  if (value.is(yaml::Kind::Int)) return static_cast<double>(value.scalar.integer);
  double real = NAN;
  if (value.is(yaml::Kind::Float)) real = value_of_float(value);
  if (value.is(yaml::Kind::Text)) {
    const auto plain = python::without_blanks_and_underscores(value.text);
    const bool is_number =
        plain && !plain->empty() && plain->find_first_not_of("0123456789.+-eE") == std::string::npos;
    char* end = nullptr;
    if (is_number) real = std::strtod(plain->c_str(), &end);
    if (end == nullptr || *end != '\0') return std::nullopt;
  }
  return std::isfinite(real) ? std::optional<double>(real) : std::nullopt;
}

bool is_in_range(const Scalar& scalar) {
  return scalar.number >= -kMaxMagnitude && scalar.number <= kMaxMagnitude;
}

std::string python_str(const Scalar& scalar) {
  switch (scalar.spelling) {
    case Scalar::Spelling::Int:
      return std::to_string(scalar.number);
    case Scalar::Spelling::Bool:
      return scalar.number != 0 ? "True" : "False";
    case Scalar::Spelling::Float:
      return std::to_string(scalar.number) + ".0";
    case Scalar::Spelling::Text:
      break;
  }
  return scalar.text;
}

bool python_truth(const Scalar& scalar) {
  return scalar.spelling == Scalar::Spelling::Text ? !scalar.text.empty() : scalar.number != 0;
}

}  // namespace sweep::matrix::inferencex
