#include "controller/report/plot_axis.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace sweep::report {

namespace {

// Values are clamped to this range, so that the arithmetic below does not overflow to infinity.
constexpr double kLeast = 1e-250, kMost = 1e250;

// Returns log10(high / low). Computed as a difference, because the quotient may overflow.
double decades_between(double low, double high) {
  return std::log10(high) - std::log10(low);
}

// Returns 1, 2 and 5 times each power of ten; for more than 3.5 decades only powers of ten, at most about ten
// of them.
std::vector<double> logarithmic_tics(double low, double high) {
  const double decades = decades_between(low, high);
  const std::vector<double> factors = decades > 3.5 ? std::vector<double>{1} : std::vector<double>{1, 2, 5};
  const int step = std::max(1, static_cast<int>(std::ceil(decades / 10)));
  std::vector<double> out;
  for (int power = static_cast<int>(std::floor(std::log10(low))); power <= std::log10(high); power += step) {
    for (const double factor : factors) {
      const double at = factor * std::pow(10.0, power);
      if (at >= low && at <= high) out.push_back(at);
    }
  }
  return out;
}

// Returns about seven tics. Their distance is 1, 2 or 5 times a power of ten.
std::vector<double> linear_tics(double low, double high) {
  const double rough = (high - low) / 7;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {5.0, 2.0, 1.0}) {
    if (factor * power >= rough) step = factor * power;
  }
  std::vector<double> out;
  const double first = std::ceil(low / step);
  for (int i = 0; i < 20 && (first + i) * step <= high; ++i)
    out.push_back((first + i) * step);
  return out;
}

std::string tic_label(double value) {
  char buffer[40];
  const double size = std::abs(value);
  if (size >= 1e9 || (size < 1e-4 && size > 0)) {
    std::snprintf(buffer, sizeof buffer, "%.3g", value);
  } else if (size >= 1e6) {
    std::snprintf(buffer, sizeof buffer, "%.5gM", value / 1e6);
  } else if (size >= 1e4) {
    std::snprintf(buffer, sizeof buffer, "%.5gk", value / 1e3);
  } else {
    std::snprintf(buffer, sizeof buffer, "%.5g", value);
  }
  return buffer;
}

}  // namespace

double Axis::share(double value) const {
  if (logarithmic) return decades_between(low, value) / decades_between(low, high);
  return (value - low) / (high - low);
}

Axis make_axis(std::span<const double> values) {
  Axis axis;
  if (!values.empty()) {
    const auto [least, most] = std::minmax_element(values.begin(), values.end());
    double low = std::clamp(*least, -kMost, kMost), high = std::clamp(*most, -kMost, kMost);
    axis.logarithmic = low > 0 && high >= 15 * low;
    if (axis.logarithmic) {
      low = std::max(low, kLeast);
      const double margin = std::pow(10.0, 0.06 * decades_between(low, high));
      axis.low = low / margin;
      axis.high = high * margin;
    } else {
      // A single value, or values that differ only by rounding, still need a range that gnuplot can draw.
      const double size = std::max(std::abs(low), std::abs(high));
      const double span = std::max({high - low, 0.2 * size, 1e-300});
      const double middle = low / 2 + high / 2;
      axis.low = middle - 0.6 * span;
      axis.high = middle + 0.6 * span;
      if (low >= 0 && (axis.low < 0 || low < 0.4 * high)) axis.low = 0;
      if (size == 0) axis.low = 0, axis.high = 1;
    }
  }
  for (const double at :
       axis.logarithmic ? logarithmic_tics(axis.low, axis.high) : linear_tics(axis.low, axis.high)) {
    axis.tics.push_back({at, tic_label(at)});
  }
  return axis;
}

}  // namespace sweep::report
