// Runs a command that asks Slurm something, as a child process in the event loop.
//
// Rule: its output is limited in size and its run time by a deadline; it is killed when it reaches either. It
// is collected with the agent's other children (children.hpp).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "proto/net/event_loop.hpp"
#include "util/os/process.hpp"

namespace sweep::agent {

class SlurmQuery {
 public:
  /// Called with the output; `problem` is the reason, in one line, if it is incomplete; else empty.
  using OnAnswer = std::function<void(std::string text, std::string problem)>;

  explicit SlurmQuery(EventLoop& loop) : loop_(loop) {}
  ~SlurmQuery() { end(); }
  SlurmQuery(const SlurmQuery&) = delete;
  SlurmQuery& operator=(const SlurmQuery&) = delete;

  /// Starts `argv`. Calls back once, from here or from the loop; not at all if the object is destroyed
  /// before.
  void ask(const std::vector<std::string>& argv, const std::vector<std::string>& environment,
           Instant deadline, OnAnswer on_answer);
  /// Returns when on_deadline() is due.
  std::optional<Instant> deadline() const { return child_ ? std::optional(deadline_) : std::nullopt; }
  void on_deadline(Instant now);
  /// Returns the process that runs; std::nullopt if none does.
  std::optional<pid_t> pid() const { return child_ ? std::optional(child_->pid) : std::nullopt; }

 private:
  Expected<void> start(const std::vector<std::string>& argv, const std::vector<std::string>& environment);
  void read();
  void end();

  EventLoop& loop_;
  OnAnswer on_answer_;
  Instant deadline_{};
  std::optional<Child> child_;
  Fd out_;
  std::string text_;
};

}  // namespace sweep::agent
