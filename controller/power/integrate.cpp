#include "controller/power/integrate.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <tuple>

namespace sweep::power {

namespace {

constexpr double kSameTime = 1e-9;  // seconds

bool earlier(const Sample& sample, double time) {
  return sample.time < time;
}

bool before_sample(double time, const Sample& sample) {
  return time < sample.time;
}

double power_at(std::span<const Sample> ordered, double time) {
  const auto right = std::lower_bound(ordered.begin(), ordered.end(), time, earlier);
  if (right == ordered.begin() || std::fabs(right->time - time) <= kSameTime) return right->power;
  const Sample& left = *(right - 1);
  const double fraction = (time - left.time) / (right->time - left.time);
  return left.power + fraction * (right->power - left.power);
}

double trapezoid(const Sample& left, const Sample& right) {
  return (right.time - left.time) * (left.power + right.power) / 2.0;
}

bool is_number(std::string_view id) {
  return !id.empty() && std::all_of(id.begin(), id.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Numbers first, compared by their digits, so that a number may be of any length.
std::tuple<bool, std::size_t, std::string_view> sort_key(std::string_view id) {
  if (!is_number(id)) return {true, 0, id};
  id.remove_prefix(std::min(id.find_first_not_of('0'), id.size()));
  return {false, id.size(), id};
}

}  // namespace

void order_samples(std::vector<Sample>& samples) {
  const auto by_time = [](const Sample& a, const Sample& b) { return a.time < b.time; };
  if (!std::is_sorted(samples.begin(), samples.end(), by_time))
    std::stable_sort(samples.begin(), samples.end(), by_time);
  auto out = samples.begin();
  for (auto at = samples.begin(); at != samples.end();) {
    const double time = at->time;
    double sum = 0, count = 0;
    for (; at != samples.end() && at->time == time; ++at, ++count)
      sum += at->power;
    *out++ = {time, sum / count};
  }
  samples.erase(out, samples.end());
}

bool brackets(std::span<const Sample> ordered, double start, double end) {
  return !ordered.empty() && ordered.front().time <= start && ordered.back().time >= end;
}

double largest_gap(std::span<const Sample> ordered, double start, double end) {
  const auto first = std::upper_bound(ordered.begin(), ordered.end(), start, before_sample) - 1;
  const auto last = std::lower_bound(ordered.begin(), ordered.end(), end, earlier);
  double largest = 0;
  for (auto at = first; at != last; ++at)
    largest = std::max(largest, (at + 1)->time - at->time);
  return largest;
}

double window_energy(std::span<const Sample> ordered, double start, double end) {
  Sample left{start, power_at(ordered, start)};
  double energy = 0;
  for (auto at = std::upper_bound(ordered.begin(), ordered.end(), start, before_sample);
       at != ordered.end() && at->time < end; ++at) {
    energy += trapezoid(left, *at);
    left = *at;
  }
  return energy + trapezoid(left, {end, power_at(ordered, end)});
}

double whole_energy(std::span<const Sample> ordered) {
  double energy = 0;
  for (std::size_t i = 1; i < ordered.size(); ++i)
    energy += trapezoid(ordered[i - 1], ordered[i]);
  return energy;
}

void sort_gpu_ids(std::vector<std::string>& ids) {
  std::stable_sort(ids.begin(), ids.end(),
                   [](const std::string& a, const std::string& b) { return sort_key(a) < sort_key(b); });
}

}  // namespace sweep::power
