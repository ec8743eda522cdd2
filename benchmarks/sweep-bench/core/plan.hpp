// Which requests a run sends, and when: everything that the seed decides, before the first byte is sent.
// Pure.
//
// As in vLLM's benchmark_serving: lengths are uniform integers from floor(length * ratio) to length, both
// included; the first request arrives at once, gaps between the others are gamma distributed with shape
// `burstiness` and mean 1/rate (1: a Poisson process); an infinite rate has all of them at once. The draws
// are our own, so one seed here and one there make different requests of the same distribution. Unlike there
// a length is at least 1, and warm-ups have prompts of their own, so that none of a measured request is
// cached.
#pragma once

#include <cstdint>
#include <vector>

#include "benchmarks/sweep-bench/core/options.hpp"

namespace sweep::client {

struct PlannedRequest {
  std::uint32_t input_len = 0;   // tokens, the prefix included
  std::uint32_t output_len = 0;  // tokens
  std::uint32_t start = 0;       // where its prompt begins in the pool; no two of a plan have the same
  double arrival = 0;            // seconds after the run's start
};

struct Plan {
  std::vector<PlannedRequest> warmups;   // the first one is the test run
  std::vector<PlannedRequest> requests;  // in the order of their arrivals
  std::uint32_t starts = 0;              // places in the pool where prompts begin
  std::uint32_t longest = 0;             // tokens of the longest prompt, without the prefix
};

Plan make_plan(const Options& options);

}  // namespace sweep::client
