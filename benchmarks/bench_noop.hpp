// What bench-noop appends to the file that BENCH_NOOP_STAMPS names, once per run.
#pragma once

#include <cstdint>

namespace sweep::bench {

struct NoopStamps {
  std::int64_t start_ns = 0, end_ns = 0;  // CLOCK_MONOTONIC, which all processes share
};

}  // namespace sweep::bench
