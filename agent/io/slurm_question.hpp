// Asking Slurm when the agent's job ends, or what its node is: one child process each, in the event loop.
//
// Rule: its output is limited in bytes and in time; what is left of it then is killed. It is collected with
// the agent's other children (children.hpp).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "proto/net/event_loop.hpp"
#include "util/os/process.hpp"

namespace sweep::agent {

class SlurmQuestion {
 public:
  /// What was printed, and in one line why it is not all.
  using Tell = std::function<void(std::string text, std::string problem)>;

  explicit SlurmQuestion(EventLoop& loop) : loop_(loop) {}
  ~SlurmQuestion() { end(); }
  SlurmQuestion(const SlurmQuestion&) = delete;
  SlurmQuestion& operator=(const SlurmQuestion&) = delete;

  /// Starts `argv`. Tells once, from here or from the loop; not at all where this is destroyed before.
  void ask(const std::vector<std::string>& argv, const std::vector<std::string>& environment,
           Instant deadline, Tell tell);
  /// When on_time() has something to do.
  std::optional<Instant> deadline() const { return child_ ? std::optional(deadline_) : std::nullopt; }
  void on_time(Instant now);

 private:
  Expected<void> start(const std::vector<std::string>& argv, const std::vector<std::string>& environment);
  void read();
  void end();

  EventLoop& loop_;
  Tell tell_;
  Instant deadline_{};
  std::optional<Child> child_;
  Fd out_;
  std::string text_;
};

}  // namespace sweep::agent
