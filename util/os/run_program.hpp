// Runs another program to its end and returns its exit status and the end of its output. It blocks the caller, so
// event loops do not use it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "util/error.hpp"
#include "util/os/process.hpp"
#include "util/time.hpp"

namespace sweep {

struct ProgramResult {
  ExitStatus status;
  std::string out;    // the end of its output, in the order of arrival
  bool late = false;  // true if it was killed because it ran past the limit
  bool ok() const { return status.code == 0 && !late; }
};

struct RunOptions {
  std::vector<std::string> environment = {};  // NAME=value, all of it
  Millis limit{0};                            // the program is killed after this time; 0: no limit
  std::function<void()> every = {};           // called once per `interval` while the program runs
  Millis interval{2'000};
  std::string directory = {};  // working directory; empty: the caller's
  // Whether the output includes standard error. false: if the output is a value, which a warning must not become.
  bool with_errors = true;
  std::size_t kept = 64 * 1024;  // how many bytes of the end of the output are returned
};

/// Runs `argv` to its end. When it has ended, or after `options.limit`, its whole process group is killed. Returns
/// an error only if the program cannot be started.
Expected<ProgramResult> run_program(const std::vector<std::string>& argv, const RunOptions& options);

/// Returns the last line of `output` that is not blank, made printable and clipped to `max_bytes`.
std::string last_line(const std::string& output, std::size_t max_bytes);

/// Returns how the program ended, with its last line of output: "exit status 1: no space left on device".
std::string how_it_ended(const ProgramResult& result);

}  // namespace sweep
