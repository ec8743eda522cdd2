// Simulates sweeps with faults, each from one seed: crashes at every step, lost messages, frozen agents, full
// disks.
//
//   sim_test                          seeds 1 to 2000
//   sim_test FIRST COUNT              COUNT seeds from FIRST on
//   SWEEP_SEED=n sim_test             one seed; if it fails, with the trace of its last steps
//   SWEEP_TRACE=1 …                   print the trace of every seed; SWEEP_TRACE=n: of its last n steps
//   sim_test --inject BUG [COUNT]     inject a bug (injected_bugs.hpp); exits with 0 if COUNT seeds find it
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>

#include "tests/sim/world.hpp"

namespace sweep::sim {
namespace {

struct SeedResult {
  std::string violation;  // empty: none
  std::string trace;
  Tally tally;
};

SeedResult simulate(std::uint64_t seed, std::size_t traced, InjectedBug bug) {
  SeedResult out;
  World world(seed, traced, bug);
  try {
    world.run();
  } catch (const std::exception& error) {
    out.violation = error.what();
  }
  out.trace = world.trace();
  out.tally = world.tally();
  return out;
}

std::uint64_t number(const char* text, std::uint64_t otherwise) {
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

/// Returns the number of steps in a trace: SWEEP_TRACE if it is more than 1, or else 200.
std::size_t traced() {
  constexpr std::uint64_t kUsual = 200;
  const std::uint64_t asked = number(std::getenv("SWEEP_TRACE"), 1);
  return asked > 1 ? asked : kUsual;
}

void show(std::uint64_t seed, InjectedBug bug) {
  const SeedResult again = simulate(seed, traced(), bug);
  std::printf("%s%s\nto run it again: SWEEP_SEED=%llu\n", again.trace.c_str(),
              again.violation.empty() ? "no violation" : again.violation.c_str(),
              static_cast<unsigned long long>(seed));
}

/// True if each kind of fault occurred often enough for the result to mean something.
bool faults_were_frequent(const Tally& all, std::uint64_t seeds) {
  constexpr std::uint64_t kFew = 1'000, kOneIn = 100;
  if (seeds < kFew) return true;
  const auto least = static_cast<int>(seeds / kOneIn);
  for (const int often :
       {all.crashes, all.recoveries, all.deaths, all.lost, all.returns, all.late, all.spooled,
        all.quarantines, all.done, all.failed, all.withdrawn, all.suspensions, all.servers, all.warm}) {
    if (often < least) return false;
  }
  return true;
}

int run(std::uint64_t first, std::uint64_t count, bool trace_all, int most_failures) {
  const auto begin = std::chrono::steady_clock::now();
  Tally all;
  int failures = 0;
  std::uint64_t seed = first;
  for (; seed < first + count && failures < most_failures; ++seed) {
    const SeedResult result = simulate(seed, 0, InjectedBug::None);
    all.add(result.tally);
    if (trace_all) show(seed, InjectedBug::None);
    if (result.violation.empty()) continue;
    ++failures;
    std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed), result.violation.c_str());
    if (!trace_all && most_failures == 1) show(seed, InjectedBug::None);
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  std::printf("seeds=%llu failures=%d %s seconds=%.1f steps_per_minute=%.2f million\n",
              static_cast<unsigned long long>(seed - first), failures, all.text().c_str(), seconds,
              static_cast<double>(all.steps) / seconds * 60 / 1e6);
  if (failures > 0) return 1;
  if (faults_were_frequent(all, count)) return 0;
  std::printf("too few faults occurred for the result to mean anything\n");
  return 1;
}

int find_injected(InjectedBug bug, std::uint64_t count) {
  for (std::uint64_t seed = 1; seed <= count; ++seed) {
    const SeedResult result = simulate(seed, 0, bug);
    if (result.violation.empty()) continue;
    std::printf("found with seed %llu: %s\n", static_cast<unsigned long long>(seed),
                result.violation.c_str());
    return 0;
  }
  std::printf("not found with %llu seeds\n", static_cast<unsigned long long>(count));
  return 1;
}

int main_of(int count, char** words) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const bool trace_all = std::getenv("SWEEP_TRACE") != nullptr;
  const auto word = [&](int i) { return i < count ? words[i] : nullptr; };
  if (word(1) != nullptr && std::strcmp(word(1), "--inject") == 0) {
    const auto bug = bug_named(word(2) == nullptr ? "" : word(2));
    if (!bug) {
      std::fprintf(stderr, "sim_test: unknown bug '%s'; see tests/sim/injected_bugs.hpp\n",
                   word(2) == nullptr ? "" : word(2));
      return 2;
    }
    return find_injected(*bug, number(word(3), 2'000));
  }
  if (const char* seed = std::getenv("SWEEP_SEED")) return run(number(seed, 1), 1, trace_all, 1);
  return run(number(word(1), 1), number(word(2), 2'000), trace_all,
             static_cast<int>(number(std::getenv("SWEEP_FAILURES"), 1)));
}

}  // namespace
}  // namespace sweep::sim

int main(int count, char** words) {
  return sweep::sim::main_of(count, words);
}
