// Implements the regular expressions of PyYAML's resolver.py by hand, because std::regex is slow and recurses
// on long text.
#include "controller/yaml/scalar.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <string>

namespace sweep::yaml {

namespace {

constexpr std::string_view kYamlTags = "tag:yaml.org,2002:";

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

int digit_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return 99;
}

// Consumes characters from the front of a text. The take functions return false if the next character does
// not match.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : rest_(text) {}

  bool done() const { return rest_.empty(); }
  char peek() const { return rest_.empty() ? '\0' : rest_.front(); }
  bool take(char c) {
    if (peek() != c || done()) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool take_any(std::string_view set) {
    if (done() || set.find(peek()) == std::string_view::npos) return false;
    rest_.remove_prefix(1);
    return true;
  }
  template <class Test>
  std::string_view take_while(Test test) {
    std::size_t n = 0;
    while (n < rest_.size() && test(rest_[n]))
      ++n;
    const std::string_view taken = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return taken;
  }
  // Consumes between `low` and `high` digits; consumes nothing if there are fewer.
  bool take_digits(std::size_t low, std::size_t high) {
    std::size_t n = 0;
    while (n < high && n < rest_.size() && is_digit(rest_[n]))
      ++n;
    if (n < low) return false;
    rest_.remove_prefix(n);
    return true;
  }

 private:
  std::string_view rest_;
};

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

bool is_null(std::string_view text) {
  return is_one_of(text, {"", "~", "null", "Null", "NULL"});
}

std::optional<bool> as_bool(std::string_view text) {
  if (is_one_of(text, {"yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"})) return true;
  if (is_one_of(text, {"no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"})) return false;
  return std::nullopt;
}

// Accumulates the digits of an integer, whose radix may change (190:20:30). Saturates at 64 bits.
class Accumulator {
 public:
  void push(std::int64_t radix, std::int64_t digit) {
    if (huge_ || __builtin_mul_overflow(value_, radix, &value_) ||
        __builtin_add_overflow(value_, digit, &value_)) {
      huge_ = true;
    }
  }
  Scalar scalar(bool negative) const {
    Scalar out;
    out.kind = Kind::Int;
    out.huge = huge_;
    const std::int64_t magnitude = huge_ ? std::numeric_limits<std::int64_t>::max() : value_;
    out.integer = negative ? -magnitude : magnitude;
    return out;
  }

 private:
  std::int64_t value_ = 0;
  bool huge_ = false;
};

// Reads digits of one base, ignoring underscores. Returns std::nullopt if there is no digit or another
// character.
std::optional<Accumulator> digits_of(std::string_view text, int base) {
  Accumulator sum;
  bool any = false;
  for (const char c : text) {
    if (c == '_') continue;
    if (digit_value(c) >= base) return std::nullopt;
    sum.push(base, digit_value(c));
    any = true;
  }
  if (!any) return std::nullopt;
  return sum;
}

// Reads [1-9][0-9_]*(:[0-5]?[0-9])*: decimal without colons, base 60 with colons.
std::optional<Accumulator> decimal_of(std::string_view text) {
  if (text.empty() || text[0] < '1' || text[0] > '9') return std::nullopt;
  const std::size_t colon = text.find(':');
  std::optional<Accumulator> sum = digits_of(text.substr(0, colon), 10);
  if (!sum || colon == std::string_view::npos) return sum;
  Cursor rest(text.substr(colon));
  while (rest.take(':')) {
    const std::string_view part = rest.take_while(is_digit);
    if (part.empty() || part.size() > 2 || (part.size() == 2 && part[0] > '5')) return std::nullopt;
    std::int64_t value = 0;
    for (const char c : part)
      value = value * 10 + digit_value(c);
    sum->push(60, value);
  }
  if (!rest.done()) return std::nullopt;
  return sum;
}

std::optional<Scalar> as_int(std::string_view text) {
  Cursor in(text);
  const bool negative = in.take('-');
  if (!negative) in.take('+');
  const std::string_view body = in.take_while([](char) { return true; });
  std::optional<Accumulator> sum;
  if (body.starts_with("0b")) {
    sum = digits_of(body.substr(2), 2);
  } else if (body.starts_with("0x")) {
    sum = digits_of(body.substr(2), 16);
  } else if (body.starts_with('0')) {
    sum = digits_of(body, 8);
  } else {
    sum = decimal_of(body);
  }
  if (!sum) return std::nullopt;
  return sum->scalar(negative);
}

bool is_digit_or_underscore(char c) {
  return is_digit(c) || c == '_';
}

bool take_exponent(Cursor& in) {
  if (!in.take_any("eE")) return true;
  return in.take_any("+-") && !in.take_while(is_digit).empty();
}

bool is_float(std::string_view text) {
  if (is_one_of(text, {".nan", ".NaN", ".NAN"})) return true;
  Cursor in(text);
  const bool is_signed = in.take_any("+-");
  const std::string_view rest = text.substr(is_signed ? 1 : 0);
  if (is_one_of(rest, {".inf", ".Inf", ".INF"})) return true;
  if (in.take('.')) {  // PyYAML's pattern allows no sign here: "-.5" is text
    if (is_signed || !is_digit(in.peek())) return false;
    in.take_while(is_digit_or_underscore);
    return take_exponent(in) && in.done();
  }
  if (!is_digit(in.peek())) return false;
  in.take_while(is_digit_or_underscore);
  bool sixty = false;
  while (in.take(':')) {
    sixty = true;
    const std::string_view part = in.take_while(is_digit);
    if (part.empty() || part.size() > 2 || (part.size() == 2 && part[0] > '5')) return false;
  }
  if (!in.take('.')) return false;
  in.take_while(is_digit_or_underscore);
  if (!sixty && !take_exponent(in)) return false;
  return in.done();
}

bool take_zone(Cursor& in) {
  in.take_while([](char c) { return c == ' ' || c == '\t'; });
  if (in.done() || in.take('Z')) return true;
  if (!in.take_any("+-") || !in.take_digits(1, 2)) return false;
  return !in.take(':') || in.take_digits(2, 2);
}

std::optional<Kind> as_timestamp(std::string_view text) {
  Cursor in(text);
  if (!in.take_digits(4, 4) || !in.take('-')) return std::nullopt;
  Cursor date = in;
  if (date.take_digits(2, 2) && date.take('-') && date.take_digits(2, 2) && date.done()) return Kind::Date;
  if (!in.take_digits(1, 2) || !in.take('-') || !in.take_digits(1, 2)) return std::nullopt;
  if (!in.take_any("Tt") && in.take_while([](char c) { return c == ' ' || c == '\t'; }).empty()) {
    return std::nullopt;
  }
  if (!in.take_digits(1, 2) || !in.take(':') || !in.take_digits(2, 2)) return std::nullopt;
  if (!in.take(':') || !in.take_digits(2, 2)) return std::nullopt;
  if (in.take('.')) in.take_while(is_digit);
  if (!take_zone(in) || !in.done()) return std::nullopt;
  return Kind::DateTime;
}

Scalar of_kind(Kind kind) {
  Scalar out;
  out.kind = kind;
  return out;
}

Scalar of_truth(bool truth) {
  Scalar out;
  out.kind = Kind::Bool;
  out.truth = truth;
  return out;
}

}  // namespace

Scalar read_plain_scalar(std::string_view text) {
  if (is_null(text)) return of_kind(Kind::Null);
  if (const auto truth = as_bool(text)) return of_truth(*truth);
  const char first = text.front();
  if (!is_digit(first) && first != '-' && first != '+' && first != '.') return of_kind(Kind::Text);
  if (is_float(text)) return of_kind(Kind::Float);
  if (const auto integer = as_int(text)) return *integer;
  if (const auto moment = as_timestamp(text)) return of_kind(*moment);
  return of_kind(Kind::Text);
}

Expected<Scalar> read_tagged_scalar(std::string_view tag, std::string_view text) {
  const std::string_view name =
      tag.starts_with(kYamlTags) ? tag.substr(kYamlTags.size()) : std::string_view();
  const auto wrong = [&] {
    return fail("'" + std::string(text) + "' is not a valid !!" + std::string(name));
  };
  if (name == "str") return of_kind(Kind::Text);
  if (name == "null") return of_kind(Kind::Null);
  if (name == "binary") return of_kind(Kind::Bytes);
  if (name == "bool") {
    const auto truth = as_bool(text);
    return truth ? Expected<Scalar>(of_truth(*truth)) : wrong();
  }
  if (name == "int") {
    const auto integer = as_int(text);
    return integer ? Expected<Scalar>(*integer) : wrong();
  }
  if (name == "float") {
    return is_float(text) || as_int(text) ? Expected<Scalar>(of_kind(Kind::Float)) : wrong();
  }
  if (name == "timestamp") {
    const auto moment = as_timestamp(text);
    return moment ? Expected<Scalar>(of_kind(*moment)) : wrong();
  }
  return fail("unsupported tag '" + std::string(tag) + "': remove it or use !!str");
}

std::string_view python_type(Kind kind) {
  constexpr std::array<std::string_view, 10> kNames = {"NoneType", "bool",  "int", "float", "date",
                                                       "datetime", "bytes", "str", "list",  "dict"};
  return kNames.at(static_cast<std::size_t>(kind));
}

}  // namespace sweep::yaml
