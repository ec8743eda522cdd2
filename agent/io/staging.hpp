// The processes that bring images to this node (`sweep-agent --stage`), and their reports.
//
// Rules: they are collected with the agent's other children, and belong to no attempt
// (Children::ignore_helper). If one ends without its last report, a failure is reported for it. None outlives
// the agent: when it dies they receive SIGTERM and end the processes that they started.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "agent/core/actions.hpp"
#include "proto/net/event_loop.hpp"
#include "util/os/process.hpp"

namespace sweep::agent {

class Staging {
 public:
  using OnInput = std::function<void(Input)>;

  Staging(EventLoop& loop, OnInput on_input) : loop_(loop), on_input_(std::move(on_input)) {}
  ~Staging();
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;

  /// Starts a process with `program`, the agent's own path. Returns its id, for Children::ignore_helper. If
  /// it cannot be started, returns std::nullopt and reports the failure.
  std::optional<pid_t> start(const std::string& program, const Stage& what);
  void stop(int serial);

 private:
  struct Process {
    Child child;
    Fd out;
    std::string node;
    std::string text;  // the beginning of a line that has not arrived completely
  };

  void read(int serial);
  /// Passes a report on. Returns false if it was the last one.
  bool take(int serial, std::string_view line);
  void drop(int serial);

  EventLoop& loop_;
  OnInput on_input_;
  std::map<int, Process> processes_;
};

}  // namespace sweep::agent
