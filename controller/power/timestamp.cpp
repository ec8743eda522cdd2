#include "controller/power/timestamp.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "util/text.hpp"

namespace sweep::power {

namespace {

constexpr std::int64_t kDay = 86'400;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Reads a text from left to right.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool at_end() const { return text_.empty(); }
  char peek() const { return text_.empty() ? '\0' : text_.front(); }
  bool skip(char c) {
    if (peek() != c || at_end()) return false;
    text_.remove_prefix(1);
    return true;
  }
  bool skip_blanks() {
    const std::size_t before = text_.size();
    while (peek() == ' ' || peek() == '\t')
      text_.remove_prefix(1);
    return text_.size() != before;
  }
  // Returns the number of `least` to `most` digits that comes next.
  std::optional<int> number(std::size_t least, std::size_t most) {
    std::size_t size = 0;
    while (size < most && size < text_.size() && is_digit(text_[size]))
      ++size;
    if (size < least) return std::nullopt;
    int value = 0;
    std::from_chars(text_.data(), text_.data() + size, value);
    text_.remove_prefix(size);
    return value;
  }
  // Returns the millionths in the digits that come next; those after the sixth are dropped.
  std::optional<int> millionths(std::size_t most) {
    std::size_t size = 0;
    int value = 0;
    for (; !text_.empty() && is_digit(text_.front()); ++size, text_.remove_prefix(1)) {
      if (size < 6) value = value * 10 + (text_.front() - '0');
    }
    if (size == 0 || size > most) return std::nullopt;
    for (; size < 6; ++size)
      value *= 10;
    return value;
  }

 private:
  std::string_view text_;
};

struct TimeOfDay {
  int hours = 0, minutes = 0, seconds = 0, micros = 0;

  std::int64_t total() const { return hours * 3600 + minutes * 60 + seconds; }
  bool valid() const { return hours < 24 && minutes < 60 && seconds < 60; }
};

std::optional<std::int64_t> days_since_1970(int year, int month, int day) {
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (year < 1 || !date.ok()) return std::nullopt;
  return std::chrono::sys_days(date).time_since_epoch().count();
}

// Reads HH[[:]MM[[:]SS[(.|,)digits]]], which must be all of `text`.
std::optional<TimeOfDay> time_of_day(std::string_view text) {
  Scanner scan(text);
  TimeOfDay time;
  int* const parts[] = {&time.hours, &time.minutes, &time.seconds};
  bool colons = false;
  for (std::size_t i = 0; i < 3; ++i) {
    const auto value = scan.number(2, 2);
    if (!value) return std::nullopt;
    *parts[i] = *value;
    if (i == 0) colons = scan.peek() == ':';
    if (scan.at_end() || i == 2) break;
    if (colons && !scan.skip(':')) return std::nullopt;
  }
  if (scan.at_end()) return time;
  if (!scan.skip('.') && !scan.skip(',')) return std::nullopt;
  const auto micros = scan.millionths(text.size());
  if (!micros || !scan.at_end()) return std::nullopt;
  time.micros = *micros;
  return time;
}

// Reads what follows the sign of a zone: HH, HHMM, HH:MM or with seconds.
std::optional<std::int64_t> zone_seconds(std::string_view text) {
  const auto zone = time_of_day(text);
  if (!zone || zone->micros != 0 || zone->total() >= kDay) return std::nullopt;
  return zone->total();
}

// Reads the part of an ISO time after the date: a time of day and perhaps a zone.
std::optional<WallTime> clock_and_zone(std::string_view text, std::int64_t days) {
  std::size_t zone = text.find('-');
  if (zone == std::string_view::npos) zone = text.find('+');
  if (zone == std::string_view::npos) zone = text.find('Z');
  const auto time = time_of_day(text.substr(0, zone));
  if (!time || !time->valid()) return std::nullopt;
  WallTime out{days * kDay + time->total(), time->micros, std::nullopt};
  if (zone == std::string_view::npos) return out;
  if (text[zone] == 'Z') {
    if (zone + 1 != text.size()) return std::nullopt;
    out.offset = 0;
    return out;
  }
  const auto seconds = zone_seconds(text.substr(zone + 1));
  if (!seconds) return std::nullopt;
  out.offset = text[zone] == '-' ? -*seconds : *seconds;
  return out;
}

// Reads "YYYY/MM/DD HH:MM:SS[.f]", the format of nvidia-smi.
std::optional<WallTime> slashed_time(std::string_view text) {
  Scanner scan(text);
  const auto year = scan.number(4, 4);
  if (!year || !scan.skip('/')) return std::nullopt;
  const auto month = scan.number(1, 2);
  if (!month || !scan.skip('/')) return std::nullopt;
  const auto day = scan.number(1, 2);
  if (!day || !scan.skip_blanks()) return std::nullopt;
  const auto hours = scan.number(1, 2);
  if (!hours || !scan.skip(':')) return std::nullopt;
  const auto minutes = scan.number(1, 2);
  if (!minutes || !scan.skip(':')) return std::nullopt;
  const auto seconds = scan.number(1, 2);
  if (!seconds) return std::nullopt;
  TimeOfDay time{*hours, *minutes, *seconds, 0};
  if (!scan.at_end()) {
    if (!scan.skip('.')) return std::nullopt;
    const auto micros = scan.millionths(6);
    if (!micros || !scan.at_end()) return std::nullopt;
    time.micros = *micros;
  }
  const auto days = days_since_1970(*year, *month, *day);
  if (!days || !time.valid()) return std::nullopt;
  return WallTime{*days * kDay + time.total(), time.micros, std::nullopt};
}

// Returns the number in a text of the form -?digits[.digits]; std::nullopt if it has another form.
std::optional<double> plain_number(std::string_view text) {
  const std::string_view digits = text.substr(text.starts_with('-') ? 1 : 0);
  const std::size_t point = digits.find('.');
  const auto all_digits = [](std::string_view part) {
    return !part.empty() && std::all_of(part.begin(), part.end(), is_digit);
  };
  if (!all_digits(digits.substr(0, point))) return std::nullopt;
  if (point != std::string_view::npos && !all_digits(digits.substr(point + 1))) return std::nullopt;
  return std::strtod(std::string(text).c_str(), nullptr);
}

// Returns the UTC time, in seconds since 1970, of a local time: Python's datetime._mktime with fold 0.
std::int64_t utc_of_local(std::int64_t local_seconds, const ZoneOffset& local) {
  const std::int64_t first = local(local_seconds);
  const std::int64_t guess = local_seconds - first;
  std::int64_t second = local(guess);
  if (second == first) {
    // The time is right. An earlier one, before clocks were set back, has the larger offset.
    const std::int64_t day_before = local(guess - kDay);
    if (day_before == first) return guess;
    second = day_before;
  }
  const std::int64_t other = local_seconds - second;
  if (other + local(other) == local_seconds) return other;
  if (guess + local(guess) == local_seconds) return guess;
  return std::max(guess, other);  // a time that clocks skipped
}

}  // namespace

std::optional<WallTime> iso_time(std::string_view text) {
  if (text.size() < 8) return std::nullopt;
  Scanner scan(text);
  const auto year = scan.number(4, 4);
  if (!year) return std::nullopt;
  const bool dashes = scan.skip('-');
  const auto month = scan.number(2, 2);
  if (!month || (dashes && !scan.skip('-'))) return std::nullopt;
  const auto day = scan.number(2, 2);
  if (!day) return std::nullopt;
  const auto days = days_since_1970(*year, *month, *day);
  if (!days) return std::nullopt;
  const std::size_t date_size = dashes ? 10 : 8;
  const std::string_view clock =
      text.substr(std::min(text.size(), date_size + 1));  // any separator is allowed
  if (clock.empty()) return WallTime{*days * kDay, 0, std::nullopt};
  return clock_and_zone(clock, *days);
}

double unix_time(const WallTime& time, const ZoneOffset& local) {
  if (!time.offset)
    return static_cast<double>(utc_of_local(time.seconds, local)) + static_cast<double>(time.micros) / 1e6;
  return static_cast<double>((time.seconds - *time.offset) * 1'000'000 + time.micros) / 1e6;
}

std::optional<SampleTime> sample_time(std::string_view text, const ZoneOffset& local) {
  if (const auto number = plain_number(text))
    return SampleTime{*number > 1e12 ? *number / 1000.0 : *number, false};
  auto time = slashed_time(text);
  if (!time) time = iso_time(text);
  if (!time) return std::nullopt;
  return SampleTime{unix_time(*time, local), !time->offset};
}

std::optional<std::int64_t> utc_offset(std::string_view text) {
  if (text.size() < 5 || (text[0] != '+' && text[0] != '-')) return std::nullopt;
  Scanner scan(text.substr(1));
  const auto hours = scan.number(2, 2);
  if (!hours) return std::nullopt;
  scan.skip(':');
  const auto minutes = scan.number(2, 2);
  if (!minutes || !scan.at_end() || *hours > 23 || *minutes > 59) return std::nullopt;
  const std::int64_t seconds = *hours * 3600 + *minutes * 60;
  return text[0] == '-' ? -seconds : seconds;
}

std::string offset_name(std::int64_t seconds) {
  const std::int64_t minutes = std::abs(seconds) / 60;
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "UTC%c%02d:%02d", seconds < 0 ? '-' : '+',
                static_cast<int>(minutes / 60), static_cast<int>(minutes % 60));
  return buffer;
}

std::string tz_value(std::int64_t seconds) {
  const std::int64_t minutes = std::abs(seconds) / 60;
  std::string out = "UTC" + std::string(seconds > 0 ? "-" : "") + std::to_string(minutes / 60);
  if (minutes % 60 != 0) {
    const std::string rest = std::to_string(minutes % 60);
    out += ":" + std::string(rest.size() < 2 ? "0" : "") + rest;
  }
  return out;
}

}  // namespace sweep::power
