// Runs requests on several threads, one per core, each with its own event loop (Boost.Asio).
//
// --max-concurrency is divided among the threads. A thread with a free slot takes the next request and waits
// for its arrival; together the threads behave like one queue in front of one semaphore. No thread sleeps.
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

/// Resolves the server's address. Fails with a message that names the host.
Expected<Target> resolve_target(const Setup& setup);

/// Raises the limit of open files as far as permitted, to allow for `connections` and the other files of the
/// process. Fails, recommending `ulimit -n`, if that is not enough.
Expected<void> raise_file_limit(std::size_t connections);

struct RunResult {
  std::vector<RequestRecord> records;  // in the order of the requests
  Nanos begin = 0, end = 0;            // from the start of the run to the last response
  ClientReport client;
  int signal = 0;  // the signal that ended the run early, or 0; if not 0, the records are incomplete
};

/// Calls `begin` once signals can be received, and waits for a time. Returns the signal that ended the wait
/// early, or 0.
int wait_seconds(double seconds, const std::function<void()>& begin);

/// Called periodically in the caller's thread with the number of finished requests and their total.
using Progress = std::function<void(std::size_t done, std::size_t total)>;

/// Sends all requests, at most `concurrency` at a time, and waits until they have finished.
RunResult run_requests(const Setup& setup, const Target& target, const Prompts& prompts,
                       std::span<const PlannedRequest> requests, std::size_t concurrency,
                       const Progress& progress);

}  // namespace sweep::client
