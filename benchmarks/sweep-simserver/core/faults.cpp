#include "benchmarks/sweep-simserver/core/faults.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <vector>

#include "util/splitmix64.hpp"
#include "util/text.hpp"

namespace sweep::sim_server {

namespace {

constexpr std::array<std::string_view, kFaults> kNames = {"",    "error",   "empty",     "stall",
                                                          "cut", "garbage", "half-json", "endless-line"};
constexpr double kMaxSeconds = 1e6;

std::optional<double> number(std::string_view text, double high) {
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (!(value >= 0.0 && value <= high)) return std::nullopt;
  return value;
}

std::string unknown(const std::string& word) {
  std::vector<std::string> all(kNames.begin() + 1, kNames.end());
  all.insert(all.end(), {"crash-after", "never-ready", "slow-start"});
  const auto near = nearest(word, all);
  return "unknown --fault '" + printable(word) + "'; " +
         (near ? "did you mean " + *near + "?" : "give one of " + join(all, ", "));
}

Expected<void> read_one(const std::string& word, FaultPlan& plan) {
  const std::size_t equals = word.find('=');
  const std::string name = word.substr(0, equals);
  const std::string value = equals == std::string::npos ? "" : word.substr(equals + 1);
  if (name == "never-ready") {
    if (equals != std::string::npos)
      return fail("--fault never-ready takes no value, but got '" + printable(value) + "'");
    plan.never_ready = true;
    return {};
  }
  if (name == "slow-start") {
    const auto seconds = number(value, kMaxSeconds);
    if (!seconds)
      return fail("invalid value '" + printable(value) +
                  "' in --fault slow-start=SECONDS; give 0 to 1000000");
    plan.slow_start = *seconds;
    return {};
  }
  if (name == "crash-after") {
    const auto count = number(value, 1e9);
    if (!count || *count < 1 || std::floor(*count) != *count)
      return fail("invalid value '" + printable(value) +
                  "' in --fault crash-after=N; give a whole number, at least 1");
    plan.crash_after = static_cast<std::uint32_t>(*count);
    return {};
  }
  const auto at = std::find(kNames.begin() + 1, kNames.end(), name);
  if (at == kNames.end()) return fail(unknown(name));
  const auto rate = number(value, 1.0);
  if (!rate)
    return fail("invalid value '" + printable(value) + "' in --fault " + name +
                "=RATE; give a number from 0 to 1");
  plan.rates[static_cast<std::size_t>(at - kNames.begin())] = *rate;
  return {};
}

}  // namespace

Expected<FaultPlan> read_faults(std::span<const std::string> words) {
  FaultPlan plan;
  for (const std::string& word : words) {
    SWEEP_TRY(read_one(word, plan));
  }
  double sum = 0;
  for (const double rate : plan.rates)
    sum += rate;
  if (sum > 1.0 + 1e-9)
    return fail(
        "the rates of --fault add up to more than 1, but a request has at most one fault; give smaller "
        "rates");
  return plan;
}

Fault fault_of(const FaultPlan& plan, std::uint64_t seed, std::uint64_t number) {
  double left = unit(mixed(seed ^ 0xfa017ULL, number));
  for (std::size_t i = 1; i < kFaults; ++i) {
    if (left < plan.rates[i]) return static_cast<Fault>(i);
    left -= plan.rates[i];
  }
  return Fault::None;
}

}  // namespace sweep::sim_server
