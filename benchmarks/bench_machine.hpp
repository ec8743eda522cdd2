// What the benchmarks share that has nothing to do with what they measure: the machine in one line, a folder
// that is gone at the end, the places of things, a line for each aim.
#pragma once

#include <string>
#include <utility>

#include "util/error.hpp"

namespace sweep::bench {

/// The load average of the last minute, 0 when the system does not say.
double load_average();

/// "machine: 2 cores, Linux 6.1, ext4 on /x, load 0.50", on standard output at once. `directory` is where the
/// benchmark has its files.
void print_machine(const std::string& directory, double load);

/// Says so when `load` was above the number of cores: then times say little, and ratios less than they could.
void print_if_busy(double load);

/// "aim: <what> … met (<seen>)", or "missed".
void print_aim(const std::string& what, bool met, const std::string& seen);

/// printf into a string: for cells of tables.
[[gnu::format(printf, 1, 2)]] std::string text(const char* format, ...);

/// The folder of the running program, where the others of this build are.
std::string folder_of_programs();

/// A folder that is gone with this.
class WorkFolder {
 public:
  /// A new folder `name`-XXXXXX in `in`. Fails where `in` is in memory: there a commit or a sync costs
  /// nothing.
  static Expected<WorkFolder> make(const std::string& in, const std::string& name);
  WorkFolder(WorkFolder&& other) noexcept : path(std::exchange(other.path, {})) {}
  WorkFolder& operator=(WorkFolder&&) = delete;
  ~WorkFolder();
  std::string path;

 private:
  explicit WorkFolder(std::string made) : path(std::move(made)) {}
};

}  // namespace sweep::bench
