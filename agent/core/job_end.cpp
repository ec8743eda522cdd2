#include "agent/core/job_end.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <optional>

#include "agent/core/environment.hpp"
#include "util/text.hpp"

namespace sweep::agent {

namespace {

constexpr std::int64_t kLastSecond = 253'402'300'799;  // of the year 9999
constexpr std::size_t kMostShown = 200;

template <class Number>
std::optional<Number> number(std::string_view text) {
  Number out = 0;
  const auto [rest, code] = std::from_chars(text.data(), text.data() + text.size(), out);
  const bool whole = code == std::errc() && rest == text.data() + text.size() && out >= 0;
  return whole ? std::optional(out) : std::nullopt;
}

/// Returns the six numbers of a time such as 2026-11-25T03:00:00.
std::optional<std::array<int, 6>> fields_of(std::string_view time) {
  static constexpr std::string_view kForm = "dddd-dd-ddTdd:dd:dd";
  if (time.size() != kForm.size()) return std::nullopt;
  for (std::size_t i = 0; i < kForm.size(); ++i) {
    const bool digit = time[i] >= '0' && time[i] <= '9';
    if (kForm[i] == 'd' ? !digit : time[i] != kForm[i]) return std::nullopt;
  }
  std::array<int, 6> out{};
  constexpr std::array<std::pair<std::size_t, std::size_t>, 6> kPlaces = {
      {{0, 4}, {5, 2}, {8, 2}, {11, 2}, {14, 2}, {17, 2}}};
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = number<int>(time.substr(kPlaces[i].first, kPlaces[i].second)).value_or(0);
  return out;
}

std::optional<Instant> instant_of(std::string_view utc) {
  using namespace std::chrono;
  const auto fields = fields_of(utc);
  if (!fields) return std::nullopt;
  const auto& [year_number, month_number, day_number, hour, minute, second] = *fields;
  const year_month_day date{year(year_number), month(static_cast<unsigned>(month_number)),
                            day(static_cast<unsigned>(day_number))};
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  const Instant at =
      sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) + std::chrono::seconds(second);
  return at > Instant() ? std::optional(at) : std::nullopt;
}

/// Returns the value that follows `name` (which ends with =) at the beginning of a word.
std::optional<std::string_view> value_of(std::string_view text, std::string_view name) {
  for (std::size_t at = text.find(name); at != std::string_view::npos; at = text.find(name, at + 1)) {
    if (at != 0 && text[at - 1] != ' ' && text[at - 1] != '\n') continue;
    const std::string_view rest = text.substr(at + name.size());
    return rest.substr(0, rest.find_first_of(" \r\n"));
  }
  return std::nullopt;
}

}  // namespace

std::optional<Instant> job_end_from(const std::vector<std::string>& environment) {
  const auto seconds = number<std::int64_t>(look_up(environment, "SLURM_JOB_END_TIME").value_or(""));
  if (!seconds || *seconds == 0 || *seconds > kLastSecond) return std::nullopt;
  return Instant(std::chrono::seconds(*seconds));
}

std::vector<std::string> job_end_command(const wire::Hello& hello) {
  // A job id is a number. scontrol could take anything else for an option.
  if (hello.task != 0 || !number<std::int64_t>(hello.job)) return {};
  return {"sh", "-c", "scontrol --version; exec scontrol -o show job \"$1\"", "sh", hello.job};
}

std::vector<std::string> slurm_environment(const std::vector<std::string>& own) {
  std::vector<std::string> out = {"TZ=UTC0", "SLURM_TIME_FORMAT=standard"};
  for (const std::string& entry : own) {
    const bool replaced = entry.starts_with("TZ=") || entry.starts_with("SLURM_TIME_FORMAT=");
    if (!replaced && !is_internal(entry)) out.push_back(entry);
  }
  return out;
}

std::string parse_sharing(std::string_view text) {
  return clipped(printable(value_of(text, "OverSubscribe=").value_or("")), kMostShown);
}

std::string parse_slurm_version(std::string_view text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  const std::size_t blank = line.rfind(' ');
  const bool is_one = line.starts_with("slurm") && blank != std::string_view::npos &&
                      blank + 1 < line.size() && line[blank + 1] >= '0' && line[blank + 1] <= '9';
  return is_one ? clipped(printable(line.substr(blank + 1)), kMostShown) : std::string();
}

Expected<std::optional<Instant>> parse_end_time(std::string_view text) {
  const auto value = value_of(text, "EndTime=");
  if (!value) {
    if (!parse_slurm_version(text).empty()) text.remove_prefix(std::min(text.size(), text.find('\n')));
    while (text.starts_with('\n'))
      text.remove_prefix(1);
    const std::string first = clipped(printable(text.substr(0, text.find('\n'))), kMostShown);
    return fail(first.empty() ? "scontrol printed nothing" : "scontrol printed no EndTime: '" + first + "'");
  }
  if (*value == "Unknown" || *value == "None") return std::optional<Instant>();
  const auto at = instant_of(*value);
  if (!at)
    return fail("scontrol printed EndTime=" + clipped(printable(*value), kMostShown) +
                ", which is not a time");
  return at;
}

}  // namespace sweep::agent
