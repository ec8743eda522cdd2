// A whole sweep on a virtual clock: the core, agents that keep to PROTOCOL.md, and a network between them
// that delays, loses, repeats and cuts. Everything follows from one seed.
//
// Rules: every message passes through the real codec. Messages of a connection stay in order; a cut loses
// what is under way in both directions. An agent knows only what it was sent.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <queue>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "controller/core/decide.hpp"
#include "controller/core/events.hpp"
#include "proto/wire/codec.hpp"

namespace sweep::core {

/// Seeded, and the same on every machine (the distributions of <random> are not).
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  int below(int limit) { return static_cast<int>(engine_() % static_cast<std::uint64_t>(limit)); }
  int between(int low, int high) { return low + below(high - low + 1); }
  bool percent(int chance) { return below(100) < chance; }

 private:
  std::mt19937_64 engine_;
};

/// What happens at which time, in order; at the same time, in the order of planning.
class Agenda {
 public:
  void at(Instant when, std::function<void()> what) { items_.push({when, count_++, std::move(what)}); }
  bool empty() const { return items_.empty(); }
  Instant next() const { return items_.top().when; }
  std::function<void()> take() {
    auto what = items_.top().what;
    items_.pop();
    return what;
  }

 private:
  struct Item {
    Instant when;
    std::uint64_t order;
    std::function<void()> what;
    bool operator<(const Item& other) const {
      return when != other.when ? when > other.when : order > other.order;  // the earliest on top
    }
  };
  std::priority_queue<Item> items_;
  std::uint64_t count_ = 0;
};

/// How often things go wrong, in percent.
struct FaultRates {
  int lost = 0, repeated = 0;  // per message
  int cut = 0;                 // per message: the connection breaks after it
  int dies = 0;                // per lease: the agent is gone for good, or until somebody starts it anew
  int leaves = 0;              // per lease: Slurm takes the node away
  int fails = 0;               // per attempt
  bool stopped = false;        // somebody presses ctrl-c
};

/// An agent as PROTOCOL.md has it. It never runs more than it has GPUs for: that throws.
class SimAgent {
 public:
  struct Attempt {
    bool finished = false;  // and waiting for Settled
    wire::Finished end;
    std::uint64_t run = 0;
    int gpus = 0;
  };
  AgentInfo info;
  bool alive = false, connected = false, welcome = false, leased = false, draining = false, pack = false;
  std::uint64_t life = 0;        // of the process: what was planned for an earlier one is void
  std::uint64_t connection = 0;  // what was under way on an earlier one is lost
  Instant last_arrival[2] = {};  // of messages to and from the controller: they stay in order
  std::map<std::pair<std::string, int>, Attempt> attempts;
  std::set<std::pair<std::string, int>> settled;

  int gpus_in_use() const {
    int sum = 0;
    for (const auto& [ref, attempt] : attempts)
      sum += attempt.finished ? 0 : attempt.gpus;
    return sum;
  }
  int running() const {
    int sum = 0;
    for (const auto& [ref, attempt] : attempts)
      sum += attempt.finished ? 0 : 1;
    return sum;
  }
  void check_capacity(const wire::Lease& lease) const {
    const bool full = gpus_in_use() + lease.gpus > static_cast<int>(info.gpus.size());
    if (full || (!pack && running() > 0))
      throw std::logic_error(info.id + " was leased more than it can run");
  }
};

class World {
 public:
  explicit World(std::uint64_t seed);
  /// Until the sweep is closed and every agent has heard of it, or nothing more can happen.
  void run();

  /// What the agents that live think, for a failure's message.
  std::string agents_text() const;

  Settings settings;
  std::vector<PointSpec> specs;
  State state;
  std::vector<Event> events;  // the journal
  FaultRates faults;
  bool some_invalid = false;  // some results are not valid
  std::vector<std::string> problems;
  std::uint64_t steps = 0;

 private:
  static constexpr int kToController = 0, kToAgent = 1;

  // the controller's side
  void command(const Command& command);
  void receive(const std::string& agent, const wire::Message& message);
  void send_all(const std::vector<Effect>& effects);
  wire::Message message_of(const Effect& effect) const;
  // the network
  void transmit(SimAgent& agent, int direction, const wire::Message& message);
  void cut(SimAgent& agent);
  // the agents' side
  void boot(SimAgent& agent);
  void heartbeat(SimAgent& agent);
  void hear(SimAgent& agent, const wire::Message& message);
  void take(SimAgent& agent, const wire::Lease& lease);
  void end(SimAgent& agent, const AttemptRef& ref, const Outcome& outcome);
  void die(SimAgent& agent);
  void leave(SimAgent& agent, OutcomeKind kind);
  Outcome random_outcome();
  /// Plans something in the agent's present life.
  void later(SimAgent& agent, Millis delay, std::function<void()> what);

  Random random_;
  Agenda agenda_;
  Instant now_ = from_unix_ms(1'700'000'000'000);
  std::map<std::string, SimAgent> agents_;
  std::uint64_t runs_ = 0;
};

}  // namespace sweep::core
