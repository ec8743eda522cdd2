// Whole processes, from before fork to after their end, as a shell's user waits for them.
//
// Rules: an interrupt ends the child and then the benchmark, by way of a message and not of a status that
// looks like a result. The peak memory that the kernel tells of a child is never below that of its parent at
// the fork, so a benchmark that reports it stays small itself.
#pragma once

#include <string>
#include <vector>

#include "util/error.hpp"
#include "util/os/process.hpp"
#include "util/os/signals.hpp"

namespace sweep::bench {

struct Run {
  double seconds = 0, cpu_seconds = 0;
  double peak_mb = 0;  // largest resident set, in 10^6 bytes
  ExitStatus end;
};

/// Starts `spec` and waits for its end. Fails when it cannot start or a signal of `signals` came.
Expected<Run> run_whole(const SpawnSpec& spec, SignalFd& signals);

/// A program whose output goes to the file `out`, or nowhere, and whose complaints go to `err`.
struct Program {
  std::vector<std::string> argv;
  std::string directory;          // to run in
  std::string out = "/dev/null";  // made anew by every run
  std::string err;                // appended to; shown when a run fails
};

/// The same for `program`, with this process's environment; a status other than 0 is a failure, told with the
/// end of what the program complained of.
Expected<Run> run_program(const Program& program, SignalFd& signals);

/// What several runs of one program took.
struct Runs {
  std::vector<double> seconds;
  double peak_mb = 0;  // of the largest

  void add(const Run& run);
  double p50() const;
  double p90() const;
};

}  // namespace sweep::bench
