#include "benchmarks/sweep-simserver/io/loader.hpp"

#include <cmath>
#include <cstdio>

namespace sweep::sim_server {

namespace {

constexpr int kLoadSteps = 10;  // number of progress lines
constexpr int kNeverReadyPercent = 40;

}  // namespace

void Loader::start(std::function<void()> loaded) {
  loaded_ = std::move(loaded);
  const FaultPlan& faults = settings_.faults;
  if (settings_.startup_seconds <= 0 && faults.slow_start <= 0 && !faults.never_ready) return loaded_();
  load(0);
}

void Loader::load(int percent) {
  std::fprintf(stderr, "Loading weights: %d%%\n", percent);
  if (settings_.faults.never_ready && percent >= kNeverReadyPercent) return;
  if (percent == 100) return loaded_();
  const int next = percent + 100 / kLoadSteps;
  double seconds = settings_.startup_seconds / kLoadSteps;
  if (next == 100) seconds += settings_.faults.slow_start;
  timer_.expires_after(std::chrono::nanoseconds(std::llround(seconds / settings_.time_scale * 1e9)));
  timer_.async_wait([this, next](boost::system::error_code code) {
    if (!code) load(next);
  });
}

}  // namespace sweep::sim_server
