// The connection of one agent to the controller, which ZeroMQ establishes and re-establishes.
//
// Rules: messages of a connection stay in order. A cut loses messages under way to the controller and, in
// half of the cases, those under way to the agent. Messages that an agent sends after a cut but before it
// notices may be queued; then they arrive first on the next connection, before Hello, as with a DEALER
// socket.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "agent/core/actions.hpp"
#include "tests/sim/simulation.hpp"

namespace sweep::sim {

using Frames = std::vector<std::string>;

class Link {
 public:
  struct Ends {
    std::function<bool()> reachable;  // whether the controller listens and can be reached
    std::function<void()> made;       // called on the controller's side when a connection is established
    std::function<void(const Frames&)> at_controller, at_agent;
    std::function<void(agent::Input)> news;  // reports connection events to the agent
  };
  Link(Simulation& sim, Ends ends) : sim_(sim), ends_(std::move(ends)) {}

  void open() { try_again(Millis(0)); }
  bool up() const { return up_; }
  void to_controller(const wire::Message& message, const std::string& bulk);
  void to_agent(const wire::Message& message, const std::string& bulk);
  /// Cuts the connection now. `notice`: time until the agent notices; `gone`: time from then until the first
  /// attempt to reconnect.
  void cut(Millis notice, Millis gone);
  /// Ends the link because the agent's process has ended. Messages under way to the controller still arrive
  /// if it ended in order, and are lost if it was killed.
  void close(bool in_order);

 private:
  void try_again(Millis after);
  void establish();
  void send_upstream(Frames frames);
  bool maybe_cut();

  Simulation& sim_;
  Ends ends_;
  bool up_ = false, agent_sees_up_ = false, closed_ = false, queues_while_down_ = false;
  std::uint64_t up_epoch_ = 0, down_epoch_ = 0;
  Instant last_up_{}, last_down_{};
  std::vector<Frames> kept_;
};

}  // namespace sweep::sim
