// Statistics of a serving benchmark's result file, computed as its Python client (numpy) computes them. Pure.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace sweep::bench {

/// Returns percentile `percent` (0 to 100) of `sorted`, which must be in ascending order, interpolated
/// linearly between the two neighbours of rank percent/100 * (n - 1): numpy.percentile's default. 0 if there
/// is no value.
inline double percentile(const std::vector<double>& sorted, double percent) {
  if (sorted.empty()) return 0.0;
  const double rank = percent / 100.0 * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(std::floor(rank));
  const auto above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (rank - static_cast<double>(below));
}

/// Returns the percentile of values in any order.
inline double percentile_of(std::vector<double> values, double percent) {
  std::sort(values.begin(), values.end());
  return percentile(values, percent);
}

/// In the unit of the values.
struct Statistics {
  double mean = 0, median = 0, std = 0;
  std::vector<double> percentiles;  // in the order requested
};

/// Returns mean, median, standard deviation of the population (divisor n: numpy.std's default) and
/// `percentiles` of the values. All are 0 if there is no value, as in the Python client.
inline Statistics statistics(std::vector<double> values, std::span<const double> percentiles) {
  Statistics out;
  out.percentiles.resize(percentiles.size());
  if (values.empty()) return out;
  std::sort(values.begin(), values.end());
  const auto count = static_cast<double>(values.size());
  double sum = 0, squares = 0;
  for (const double value : values)
    sum += value;
  out.mean = sum / count;
  for (const double value : values)
    squares += (value - out.mean) * (value - out.mean);
  out.std = std::sqrt(squares / count);
  out.median = percentile(values, 50);
  for (std::size_t i = 0; i < percentiles.size(); ++i)
    out.percentiles[i] = percentile(values, percentiles[i]);
  return out;
}

struct Summary {
  double mean = 0, median = 0, std = 0;
  double p90 = 0, p99 = 0, p999 = 0;
};

/// Returns statistics() with the percentiles that benchmark_serving reports by default.
inline Summary summarize(std::vector<double> values) {
  constexpr std::array<double, 3> kPercentiles = {90, 99, 99.9};
  const Statistics s = statistics(std::move(values), kPercentiles);
  return {s.mean, s.median, s.std, s.percentiles[0], s.percentiles[1], s.percentiles[2]};
}

/// Times of one request, in seconds on one monotonic clock: when it was sent, and when each output token
/// arrived.
struct RequestTimes {
  double start = 0.0;
  std::size_t input_tokens = 0;
  std::vector<double> tokens;
};

/// The four latencies of vLLM's benchmark_serving, in seconds, over all requests with at least one token.
struct Latencies {
  std::vector<double> ttft;  ///< first token - start, one per request
  std::vector<double> tpot;  ///< (e2el - ttft) / (tokens - 1), one per request with at least two tokens
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
    for (std::size_t i = 1; i < request.tokens.size(); ++i)
      all.itl.push_back(request.tokens[i] - request.tokens[i - 1]);
  }
  return all;
}

}  // namespace sweep::bench
