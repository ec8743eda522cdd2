// Plans which requests a run sends, and when: everything that the seed determines, before the first byte is
// sent. Pure.
//
// As in vLLM's benchmark_serving, lengths are uniform integers from floor(length * ratio) to length, both
// included; the first request arrives immediately; the gaps between the others are gamma distributed with
// shape `burstiness` and mean 1/rate (burstiness 1: a Poisson process); with an infinite rate all requests
// arrive at once. The random numbers differ from benchmark_serving's: the same seed gives other requests of
// the same distribution. Unlike there, lengths are at least 1, and warm-up requests have prompts of their
// own, so that a server's cache holds no part of a measured prompt.
#pragma once

#include <cstdint>
#include <vector>

#include "benchmarks/sweep-bench/core/options.hpp"

namespace sweep::client {

struct PlannedRequest {
  std::uint32_t input_len = 0;   // tokens, including the prefix
  std::uint32_t output_len = 0;  // tokens
  std::uint32_t start = 0;       // position in the pool at which its prompt begins; unique within a plan
  double arrival = 0;            // seconds after the start of the run
};

struct Plan {
  std::vector<PlannedRequest> warmups;   // the first one is the test request
  std::vector<PlannedRequest> requests;  // ordered by arrival
  std::uint32_t starts = 0;              // number of positions in the pool at which prompts may begin
  std::uint32_t longest = 0;             // tokens of the longest prompt, excluding the prefix
};

Plan make_plan(const Options& options);

}  // namespace sweep::client
