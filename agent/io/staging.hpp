// The processes that bring images to this node, `sweep-agent --stage`, and what they tell.
//
// Rules: they are collected with the agent's other children, and belong to no attempt (Children::spare). One
// that ends without its last word is told as failed. None outlives the agent: SIGTERM at its death has them
// end what they started.
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
  using Tell = std::function<void(Input)>;

  Staging(EventLoop& loop, Tell tell) : loop_(loop), tell_(std::move(tell)) {}
  ~Staging();
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;

  /// Starts one by `program`, the agent's own path; its process, for Children::spare. Nothing, and the
  /// failure told, where it cannot be started.
  std::optional<pid_t> start(const std::string& program, const Stage& what);
  void stop(int serial);

 private:
  struct One {
    Child child;
    Fd out;
    std::string node;
    std::string text;  // of a line that has not come whole
  };

  void read(int serial);
  /// False after its last word.
  bool take(int serial, std::string_view line);
  void drop(int serial);

  EventLoop& loop_;
  Tell tell_;
  std::map<int, One> all_;
};

}  // namespace sweep::agent
