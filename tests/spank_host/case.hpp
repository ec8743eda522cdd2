// One case: a process that plays srun, sbatch, slurmd or slurmstepd, and what is left of it.
//
// Rules: the plugin ends its process when something cannot go on, so every case is a child of the test, with
// its stdout and stderr in memory. A case that hangs is ended by its alarm. It says what it sees on stdout;
// only the test judges.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

namespace spank_host {

/// How a case ended.
struct Outcome {
  int status = -1;  // exit status, or 1000 + signal
  std::string out;
  std::string err;
};

/// The status of a case whose body came to its end.
inline constexpr int kWentOn = 42;

/// A case that runs, for tests that do something to it meanwhile.
class Running {
 public:
  explicit Running(const std::function<void()>& body);
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running();
  pid_t pid() const { return pid_; }
  Outcome wait();

 private:
  pid_t pid_ = -1;
  int out_ = -1;
  int err_ = -1;
};

/// Runs `body` in a process of its own and waits for its end.
Outcome run_case(const std::function<void()>& body);

/// For bodies: one line on stdout, at once.
void say(const std::string& line);

/// A folder of the test, removed with all it holds.
class Folder {
 public:
  Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder();
  std::string path(const std::string& name) const { return path_ + "/" + name; }
  /// Writes an executable file and returns its path.
  std::string program(const std::string& name, const std::string& text) const;
  /// The text of a file; empty when there is none.
  std::string text(const std::string& name) const;
  bool has(const std::string& name) const;

 private:
  std::string path_;
};

/// True when no process has this number (written in `digits`), not even one that has ended and was not waited
/// for.
bool is_gone(const std::string& digits);

std::vector<std::string> lines(const std::string& text);

}  // namespace spank_host
