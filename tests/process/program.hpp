// A program under test, and a folder of its own to run in. Event-driven: nothing here sleeps.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "proto/net/event_loop.hpp"
#include "util/os/process.hpp"

namespace sweep {

/// One run of a program of ours, its output collected as it comes.
class Program {
 public:
  /// Starts build/bin/`argv[0]`, or what that names where it is a whole path, in `directory`, with little
  /// more than `environment`.
  Program(const std::string& directory, std::vector<std::string> argv,
          const std::vector<std::string>& environment = {});
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  /// Waits until standard error has `text` that many times; false when the program ended before, or patience.
  bool says(const std::string& text, int times = 1);
  /// The same of standard output, once.
  bool prints(const std::string& text);
  /// Waits for the end: its status, or minus the signal.
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

/// A test with an empty folder.
class ProcessTest : public testing::Test {
 protected:
  ProcessTest();
  ~ProcessTest() override;

  std::string path(const std::string& name) const { return (directory_ / name).string(); }
  void write(const std::string& name, const std::string& text, bool executable = false) const;
  std::string read(const std::string& name) const;
  bool exists(const std::string& name) const { return std::filesystem::exists(directory_ / name); }
  /// A matrix of one point per concurrency.
  void write_matrix(const std::vector<int>& concurrencies) const;
  /// A FIFO, and its reading end: it ends when every process that has it open for writing is gone.
  Fd make_fifo(const std::string& name) const;

  std::filesystem::path directory_;
};

/// Waits until `fd` has a whole line, or its end (""); nothing after patience.
std::optional<std::string> next_line(const Fd& fd);

/// A benchmark that leaves a sound result.
extern const char* const kGoodBenchmark;

}  // namespace sweep
