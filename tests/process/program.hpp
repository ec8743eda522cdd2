// Runs a program under test in a temporary folder. Event-driven: nothing here sleeps.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "proto/net/event_loop.hpp"
#include "util/os/process.hpp"

namespace sweep {

/// One run of a program. Its output is collected as it arrives.
class Program {
 public:
  /// Starts `argv[0]` from build/bin, or as it is if it is an absolute path, in `directory`, with PATH, HOME
  /// and `environment`, which overrides these two, as its environment.
  Program(const std::string& directory, std::vector<std::string> argv,
          const std::vector<std::string>& environment = {});
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  /// Waits until standard error contains `text` that many times. Returns false if the program ended before,
  /// or after a timeout.
  bool wait_for_error(const std::string& text, int times = 1);
  /// Waits until standard output contains `text`.
  bool wait_for_output(const std::string& text);
  /// Waits for the end. Returns the exit status, or the negative signal number.
  int finish();
  void signal(int number) const;

  const std::string& out() const { return out_; }
  const std::string& err() const { return err_; }
  pid_t pid() const { return child_.pid; }

 private:
  void watch(Fd& fd, std::string& text);

  EventLoop loop_;
  Child child_;
  Fd out_fd_, err_fd_;
  std::string out_, err_;
  std::optional<ExitStatus> status_;
};

/// A test with an empty temporary folder.
class ProcessTest : public testing::Test {
 protected:
  ProcessTest();
  ~ProcessTest() override;

  std::string path(const std::string& name) const { return (directory_ / name).string(); }
  void write(const std::string& name, const std::string& text, bool executable = false) const;
  std::string read(const std::string& name) const;
  bool exists(const std::string& name) const { return std::filesystem::exists(directory_ / name); }
  /// Writes matrix.yaml with one point per concurrency, and profile.yaml.
  void write_matrix(const std::vector<int>& concurrencies) const;
  /// Makes a FIFO and returns its reading end, which reads end-of-file once no process has it open for
  /// writing.
  Fd make_fifo(const std::string& name) const;

  std::filesystem::path directory_;
};

/// Waits for a whole line from `fd`. Returns "" at end-of-file, std::nullopt after a timeout.
std::optional<std::string> next_line(const Fd& fd);

/// A benchmark that writes a valid result.
extern const char* const kGoodBenchmark;

}  // namespace sweep
