// One test case: a process that acts as srun, sbatch, slurmd or slurmstepd, with its output and exit status.
//
// Rules: the plugin ends its process on errors, so every case is a child of the test, with its stdout and
// stderr in memory. A case that hangs is ended by its alarm. It prints what it observes; only the test has
// assertions.
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

/// The exit status of a case whose body has returned.
inline constexpr int kReturned = 42;

/// A running case, for tests that act on it meanwhile.
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

/// Runs `body` in a child process and waits for its end.
Outcome run_case(const std::function<void()>& body);

/// For bodies: prints one line to stdout, unbuffered.
void print_line(const std::string& line);

/// A temporary folder, removed with its content.
class Folder {
 public:
  Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder();
  std::string path(const std::string& name) const { return path_ + "/" + name; }
  /// Writes an executable file and returns its path.
  std::string program(const std::string& name, const std::string& text) const;
  /// Returns the text of a file; "" if it does not exist.
  std::string text(const std::string& name) const;
  bool has(const std::string& name) const;

 private:
  std::string path_;
};

/// Returns true if no process has the id in `digits`, not even a zombie.
bool is_gone(const std::string& digits);

std::vector<std::string> lines(const std::string& text);

}  // namespace spank_host
