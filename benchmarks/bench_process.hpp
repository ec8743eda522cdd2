// Measures whole processes, from before the fork until after the end, as a user of a shell waits for them.
//
// A signal ends the child and then the benchmark, with an error and not with a status that could be mistaken
// for a result. The peak memory that the kernel reports for a child is never below that of its parent at the
// fork, so a benchmark that reports it must stay small itself.
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

/// Starts `spec` and waits for its end. Fails if it cannot be started or if a signal of `signals` arrived.
Expected<Run> run_whole(const SpawnSpec& spec, SignalFd& signals);

/// A program, and the files that get its standard output and standard error.
struct Program {
  std::vector<std::string> argv;
  std::string directory;          // working directory
  std::string out = "/dev/null";  // truncated by every run
  std::string err;                // appended to; its end is shown if a run fails
};

/// Runs `program` with this process's environment. A status other than 0 is an error; its message contains
/// the end of the program's standard error.
Expected<Run> run_program(const Program& program, SignalFd& signals);

/// Measurements of several runs of one program.
struct Runs {
  std::vector<double> seconds;
  double peak_mb = 0;  // of the largest run

  void add(const Run& run);
  double p50() const;
  double p90() const;
};

}  // namespace sweep::bench
