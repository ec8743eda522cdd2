// The connection of one agent to the controller, as ZeroMQ makes it and makes it again.
//
// Rules: messages of a connection stay in order; a cut loses what is under way to the controller, and, but
// for what had arrived before, to the agent. What an agent says between a cut and its notice of it may be
// kept, and then comes first on the next connection, before Hello: so a DEALER does.
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
    std::function<bool()> reachable;  // whether the controller listens, and the network lets it be reached
    std::function<void()> made;       // a connection is there: for the controller's side
    std::function<void(const Frames&)> at_controller, at_agent;
    std::function<void(agent::Input)> news;  // of the connection, for the agent
  };
  Link(Simulation& sim, Ends ends) : sim_(sim), ends_(std::move(ends)) {}

  void open() { try_again(Millis(0)); }
  bool up() const { return up_; }
  void to_controller(const wire::Message& message, const std::string& bulk);
  void to_agent(const wire::Message& message, const std::string& bulk);
  /// It breaks now. `gone`: how long it cannot be made again; `notice`: until the agent notices.
  void cut(Millis notice, Millis gone);
  /// The agent's process has ended. What it said in order may still arrive; what came by a crash is lost.
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
