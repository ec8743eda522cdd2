// The record that each run of bench-noop appends to the file named by BENCH_NOOP_STAMPS.
#pragma once

#include <cstdint>

namespace sweep::bench {

struct NoopStamps {
  std::int64_t start_ns = 0, end_ns = 0;  // CLOCK_MONOTONIC
};

}  // namespace sweep::bench
