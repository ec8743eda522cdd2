// The progress line of Python's tqdm, which serving benchmarks print and agents parse. Pure.
#pragma once

#include <cstddef>
#include <cstdio>
#include <string>

namespace sweep::bench {

/// Returns a time in seconds as "01:05", or as "1:01:05" from an hour on.
inline std::string clock_text(double seconds) {
  const auto whole = static_cast<long>(seconds);
  char text[48];
  if (whole >= 3600) {
    std::snprintf(text, sizeof text, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
  } else {
    std::snprintf(text, sizeof text, "%02ld:%02ld", whole / 60, whole % 60);
  }
  return text;
}

/// Returns the line for `done` of `total` (at least 1) after `seconds`, without a line end:
/// " 45%|████▌     | 45/100 [00:01<00:01, 40.00it/s]".
inline std::string progress_line(std::size_t done, std::size_t total, double seconds) {
  static constexpr const char* kEighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const std::size_t cells = done * 80 / total;
  std::string bar;
  for (std::size_t i = 0; i < cells / 8; ++i)
    bar += "█";
  bar += kEighths[cells % 8];
  for (std::size_t i = (cells + 7) / 8; i < 10; ++i)
    bar += ' ';

  std::string left = "?";
  std::string rate = "?it/s";
  if (done > 0 && seconds > 0.0) {
    const double per_second = static_cast<double>(done) / seconds;
    left = clock_text(static_cast<double>(total - done) / per_second);
    char text[48];
    if (per_second >= 1.0) {
      std::snprintf(text, sizeof text, "%.2fit/s", per_second);
    } else {
      std::snprintf(text, sizeof text, "%.2fs/it", 1.0 / per_second);
    }
    rate = text;
  }
  char percent[16];
  std::snprintf(percent, sizeof percent, "%3zu%%", done * 100 / total);
  return percent + ("|" + bar + "| ") + std::to_string(done) + "/" + std::to_string(total) + " [" +
         clock_text(seconds) + "<" + left + ", " + rate + "]";
}

}  // namespace sweep::bench
