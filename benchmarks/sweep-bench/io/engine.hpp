// A run of requests over several threads, each with a loop of its own: Boost.Asio, one thread per core.
//
// Rules: places among --max-concurrency are shared out to the threads; whoever has a free place takes the
// next request and waits for its arrival, so together they do what one queue in front of one semaphore does.
// Nothing sleeps.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "benchmarks/sweep-bench/core/lag.hpp"
#include "benchmarks/sweep-bench/core/plan.hpp"
#include "benchmarks/sweep-bench/core/prompts.hpp"
#include "benchmarks/sweep-bench/io/exchange.hpp"

namespace sweep::client {

/// The server's address. Fails, naming the host, when it has none.
Expected<Target> find_target(const Setup& setup);

/// Room for so many connections and the rest of the process: raises the limit of open files as far as it may.
/// Fails, naming `ulimit -n`, when that is not enough.
Expected<void> make_room_for(std::size_t connections);

struct RunResult {
  std::vector<RequestRecord> records;  // in the order of the requests
  Nanos begin = 0, end = 0;            // of the run, from the first arrival to the last answer
  ClientReport client;
  int signal = 0;  // that ended it early; then the records are not complete
};

/// Told from time to time, in the caller's thread: how many requests are over, and of how many.
using Progress = std::function<void(std::size_t done, std::size_t total)>;

/// Sends them all and waits for their ends. `concurrency`: at most so many at once.
RunResult run_requests(const Setup& setup, const Target& target, const Prompts& prompts,
                       std::span<const PlannedRequest> requests, std::size_t concurrency,
                       const Progress& progress);

}  // namespace sweep::client
