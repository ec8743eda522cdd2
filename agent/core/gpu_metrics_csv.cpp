#include "agent/core/gpu_metrics_csv.hpp"

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>

namespace sweep::agent {

namespace {

// Returns "2026-08-06T07:06:37.500+00:00".
std::string utc_time(Instant at) {
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss<Millis> time(at - day);
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%04d-%02u-%02uT%02d:%02d:%02d.%03d+00:00",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(time.hours().count()),
                static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()),
                static_cast<int>(time.subseconds().count()));
  return buffer;
}

// Returns ", 500.25 W" for 500,250 mW.
std::string power_cell(const std::optional<std::int64_t>& milliwatts) {
  if (!milliwatts) return ", [N/A]";
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, ", %.2f W", static_cast<double>(*milliwatts) / 1000.0);
  return buffer;
}

std::string cell(const std::optional<std::int64_t>& value, const char* unit) {
  return value ? ", " + std::to_string(*value) + unit : ", [N/A]";
}

}  // namespace

std::string gpu_metrics_line(const GpuSample& sample) {
  return utc_time(sample.at) + ", " + sample.gpu + power_cell(sample.power_mw) +
         cell(sample.temperature_c, "") + cell(sample.sm_clock_mhz, " MHz") +
         cell(sample.memory_clock_mhz, " MHz") + cell(sample.utilization_percent, " %") +
         cell(sample.memory_utilization_percent, " %") + "\n";
}

}  // namespace sweep::agent
