// Sweeps in bad scenario, each from one seed: crashes at every step, lost messages, frozen agents, full disks.
//
//   sim_test                          seeds 1 to 2000
//   sim_test FIRST COUNT              COUNT seeds from FIRST on
//   SWEEP_SEED=n sim_test             one seed; with the trace of its last steps where it fails
//   SWEEP_TRACE=1 …                   the trace of every seed; SWEEP_TRACE=n: of its last n steps
//   sim_test --injected WORD [COUNT]   a bug is injected into the simulated driver: 0 when it is found
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
  std::string broken;  // empty: all is well
  std::string trace;
  Tally tally;
};

SeedResult simulate(std::uint64_t seed, std::size_t traced, InjectedBug bug) {
  SeedResult out;
  World world(seed, traced, bug);
  try {
    world.run();
  } catch (const std::exception& error) {
    out.broken = error.what();
  }
  out.trace = world.trace();
  out.tally = world.tally();
  return out;
}

std::uint64_t number(const char* text, std::uint64_t otherwise) {
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

/// How many steps a trace has: 200, or what SWEEP_TRACE says beyond 1.
std::size_t traced() {
  constexpr std::uint64_t kUsual = 200;
  const std::uint64_t asked = number(std::getenv("SWEEP_TRACE"), 1);
  return asked > 1 ? asked : kUsual;
}

void show(std::uint64_t seed, InjectedBug bug) {
  const SeedResult again = simulate(seed, traced(), bug);
  std::printf("%s%s\nto see it again: SWEEP_SEED=%llu\n", again.trace.c_str(),
              again.broken.empty() ? "all is well" : again.broken.c_str(),
              static_cast<unsigned long long>(seed));
}

/// Whether the scenario was bad enough for what the rules are about.
bool faults_were_frequent(const Tally& all, std::uint64_t seeds) {
  constexpr std::uint64_t kFew = 1'000, kOneIn = 100;
  if (seeds < kFew) return true;
  const auto least = static_cast<int>(seeds / kOneIn);
  for (const int often :
       {all.crashes, all.recoveries, all.deaths, all.lost, all.returns, all.late, all.spooled,
        all.quarantines, all.done, all.failed, all.withdrawn, all.servers, all.warm}) {
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
    if (result.broken.empty()) continue;
    ++failures;
    std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed), result.broken.c_str());
    if (!trace_all && most_failures == 1) show(seed, InjectedBug::None);
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  std::printf("seeds=%llu failures=%d %s seconds=%.1f steps_per_minute=%.2f million\n",
              static_cast<unsigned long long>(seed - first), failures, all.text().c_str(), seconds,
              static_cast<double>(all.steps) / seconds * 60 / 1e6);
  if (failures > 0) return 1;
  if (faults_were_frequent(all, count)) return 0;
  std::printf("the scenario was too good to show anything\n");
  return 1;
}

int find_planted(InjectedBug bug, std::uint64_t count) {
  for (std::uint64_t seed = 1; seed <= count; ++seed) {
    const SeedResult result = simulate(seed, 0, bug);
    if (result.broken.empty()) continue;
    std::printf("found with seed %llu: %s\n", static_cast<unsigned long long>(seed), result.broken.c_str());
    return 0;
  }
  std::printf("not found with %llu seeds\n", static_cast<unsigned long long>(count));
  return 1;
}

int main_of(int count, char** words) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const bool trace_all = std::getenv("SWEEP_TRACE") != nullptr;
  const auto word = [&](int i) { return i < count ? words[i] : nullptr; };
  if (word(1) != nullptr && std::strcmp(word(1), "--injected") == 0) {
    const auto bug = bug_named(word(2) == nullptr ? "" : word(2));
    if (!bug) {
      std::fprintf(stderr, "sim_test: no such bug to bug\n");
      return 2;
    }
    return find_planted(*bug, number(word(3), 2'000));
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
