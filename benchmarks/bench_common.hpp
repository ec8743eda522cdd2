// Parts that the benchmarks share and that do not depend on what they measure: a line that describes the
// machine, a temporary working directory, a line for each aim.
#pragma once

#include <string>
#include <utility>

#include "util/error.hpp"

namespace sweep::bench {

/// Returns the load average of the last minute, 0 if it is unknown.
double load_average();

/// Prints "machine: 2 cores, Linux 6.1, ext4 on /x, load 0.50" to standard output and flushes it. `directory`
/// contains the files of the benchmark.
void print_machine(const std::string& directory, double load);

/// Prints a warning if `load` exceeds the number of cores: times are then unreliable, and ratios less
/// reliable.
void print_if_busy(double load);

/// Prints "aim: <what> ... met (<measured>)" or "missed".
void print_aim(const std::string& what, bool met, const std::string& measured);

/// Returns a string formatted as by printf.
[[gnu::format(printf, 1, 2)]] std::string formatted(const char* format, ...);

/// Returns the directory of the running program, which also contains the other programs of this build.
std::string program_directory();

/// A temporary directory that is removed by the destructor.
class WorkFolder {
 public:
  /// Creates the directory `name`-XXXXXX in `parent`. Fails if `parent` is in memory, where a commit or a
  /// sync costs nothing.
  static Expected<WorkFolder> make(const std::string& parent, const std::string& name);
  WorkFolder(WorkFolder&& other) noexcept : path(std::exchange(other.path, {})) {}
  WorkFolder& operator=(WorkFolder&&) = delete;
  ~WorkFolder();
  std::string path;

 private:
  explicit WorkFolder(std::string made) : path(std::move(made)) {}
};

}  // namespace sweep::bench
