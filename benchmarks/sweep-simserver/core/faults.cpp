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

// The faults that are not rates.
constexpr std::array<std::string_view, 9> kOthers = {
    "ready-but-broken", "crash-after", "die-after-requests", "exit-after",           "exit-0-after",
    "never-ready",      "slow-start",  "never-connect",      "knows-one-worker-less"};

tl::unexpected<Error> unknown(const std::string& word) {
  std::vector<std::string> all(kNames.begin() + 1, kNames.end());
  all.insert(all.end(), kOthers.begin(), kOthers.end());
  const auto near = nearest(word, all);
  return fail("unknown --fault '" + printable(word) + "'; " +
              (near ? "did you mean " + *near + "?" : "give one of " + join(all, ", ")));
}

Expected<double> seconds_of(const std::string& name, const std::string& value) {
  const auto seconds = number(value, kMaxSeconds);
  if (!seconds)
    return fail("invalid value '" + printable(value) + "' in --fault " + name +
                "=SECONDS; give 0 to 1000000");
  return *seconds;
}

Expected<std::uint32_t> count_of(const std::string& name, const std::string& value) {
  const auto count = number(value, 1e9);
  if (!count || *count < 1 || std::floor(*count) != *count)
    return fail("invalid value '" + printable(value) + "' in --fault " + name +
                "=N; give a whole number, at least 1");
  return static_cast<std::uint32_t>(*count);
}

// Returns false if `name` is not a fault without a value.
bool set_flag(const std::string& name, FaultPlan& plan) {
  if (name == "never-ready") return plan.never_ready = true;
  if (name == "never-connect") return plan.never_connect = true;
  if (name == "knows-one-worker-less") return plan.knows_one_worker_less = true;
  if (name != "ready-but-broken") return false;
  plan.rates[static_cast<std::size_t>(Fault::Error)] = 1;
  return true;
}

// Returns false if `name` is not a fault with a number of seconds or requests.
Expected<bool> set_number(const std::string& name, const std::string& value, FaultPlan& plan) {
  if (name == "slow-start") {
    SWEEP_ASSIGN(plan.slow_start, seconds_of(name, value));
  } else if (name == "exit-after" || name == "exit-0-after") {
    SWEEP_ASSIGN(const double seconds, seconds_of(name, value));
    plan.exit = PlannedExit{.seconds = seconds, .status = name == "exit-after" ? 1 : 0};
  } else if (name == "crash-after") {
    SWEEP_ASSIGN(plan.crash_after, count_of(name, value));
  } else if (name == "die-after-requests") {
    SWEEP_ASSIGN(plan.die_after_requests, count_of(name, value));
  } else {
    return false;
  }
  return true;
}

Expected<void> read_one(const std::string& word, FaultPlan& plan) {
  const std::size_t equals = word.find('=');
  const std::string name = word.substr(0, equals);
  const std::string value = equals == std::string::npos ? "" : word.substr(equals + 1);
  if (set_flag(name, plan)) {
    if (equals != std::string::npos)
      return fail("--fault " + name + " takes no value, but got '" + printable(value) + "'");
    return {};
  }
  SWEEP_ASSIGN(const bool known, set_number(name, value, plan));
  if (known) return {};
  const auto at = std::find(kNames.begin() + 1, kNames.end(), name);
  if (at == kNames.end()) return unknown(name);
  const auto rate = number(value, 1.0);
  if (!rate)
    return fail("invalid value '" + printable(value) + "' in --fault " + name +
                "=RATE; give a number from 0 to 1");
  plan.rates[static_cast<std::size_t>(at - kNames.begin())] = *rate;
  return {};
}

bool has_rates(const FaultPlan& plan) {
  return std::any_of(plan.rates.begin(), plan.rates.end(), [](double rate) { return rate > 0; });
}

}  // namespace

Expected<void> check_faults(const FaultPlan& plan, const FaultyProcess& process) {
  if (plan.never_connect && !process.follower)
    return fail(
        "--fault never-connect needs a process that connects to rank 0; give --node-rank 1 or higher");
  if (plan.knows_one_worker_less && !process.router)
    return fail("--fault knows-one-worker-less needs a router; give --role router");
  if (process.router && (has_rates(plan) || plan.crash_after || plan.slow_start > 0))
    return fail(
        "--fault of responses, crash-after and slow-start have no effect with --role router; give them to a "
        "worker");
  if (process.follower && (has_rates(plan) || plan.crash_after || plan.die_after_requests))
    return fail(
        "--fault of requests has no effect with --node-rank above 0, which gets no requests; give it to "
        "rank 0");
  return {};
}

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
