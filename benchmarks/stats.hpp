// The statistics of a serving benchmark's result file, computed as its Python client computes them (numpy),
// and the progress line that such clients print. Pure: values in, values out.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <string>
#include <vector>

namespace sweep::bench {

/// Percentile `percent` (0 to 100) of `sorted`, which is in ascending order, interpolated linearly between
/// the two neighbours of rank percent/100 * (n - 1): numpy.percentile's default. 0 when there is no value.
inline double percentile(const std::vector<double>& sorted, double percent) {
  if (sorted.empty()) return 0.0;
  const double rank = percent / 100.0 * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(std::floor(rank));
  const auto above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (rank - static_cast<double>(below));
}

/// The same of values in any order.
inline double percentile_of(std::vector<double> values, double percent) {
  std::sort(values.begin(), values.end());
  return percentile(values, percent);
}

struct Summary {
  double mean = 0.0;
  double median = 0.0;
  double std = 0.0;
  double p90 = 0.0;
  double p99 = 0.0;
  double p999 = 0.0;
};

/// Mean, median, standard deviation of the population (divisor n: numpy.std's default) and percentiles of
/// `values`, in the unit of the values. All 0 when there is none, as the Python client writes.
inline Summary summarize(std::vector<double> values) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  const auto count = static_cast<double>(values.size());
  double sum = 0.0;
  for (const double value : values)
    sum += value;
  const double mean = sum / count;
  double squares = 0.0;
  for (const double value : values)
    squares += (value - mean) * (value - mean);
  return {.mean = mean,
          .median = percentile(values, 50.0),
          .std = std::sqrt(squares / count),
          .p90 = percentile(values, 90.0),
          .p99 = percentile(values, 99.0),
          .p999 = percentile(values, 99.9)};
}

/// Times of one request, in seconds on one monotonic clock: when it was sent, and when each of its output
/// tokens was there.
struct RequestTimes {
  double start = 0.0;
  std::size_t input_tokens = 0;
  std::vector<double> tokens;
};

/// The four latencies of vLLM's benchmark_serving, in seconds, over all requests that have a token.
struct Latencies {
  std::vector<double> ttft;  ///< first token - start, one per request
  std::vector<double> tpot;  ///< (e2el - ttft) / (tokens - 1), one per request of two tokens or more
  std::vector<double> itl;   ///< from each token to the next, of all requests
  std::vector<double> e2el;  ///< last token - start, one per request
};

inline Latencies latencies(const std::vector<RequestTimes>& requests) {
  Latencies all;
  for (const RequestTimes& request : requests) {
    if (request.tokens.empty()) continue;
    const double ttft = request.tokens.front() - request.start;
    const double e2el = request.tokens.back() - request.start;
    all.ttft.push_back(ttft);
    all.e2el.push_back(e2el);
    if (request.tokens.size() < 2) continue;
    all.tpot.push_back((e2el - ttft) / static_cast<double>(request.tokens.size() - 1));
    for (std::size_t i = 1; i < request.tokens.size(); ++i) {
      all.itl.push_back(request.tokens[i] - request.tokens[i - 1]);
    }
  }
  return all;
}

/// "01:05", or "1:01:05" from an hour on, for a time in seconds.
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

/// A progress line as tqdm prints it, without line ends: " 45%|████▌     | 45/100 [00:01<00:01, 40.00it/s]".
/// `done` of `total` (at least 1) after `seconds`.
inline std::string progress_line(std::size_t done, std::size_t total, double seconds) {
  static constexpr const char* eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const std::size_t cells = done * 80 / total;
  std::string bar;
  for (std::size_t i = 0; i < cells / 8; ++i)
    bar += "█";
  bar += eighths[cells % 8];
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
