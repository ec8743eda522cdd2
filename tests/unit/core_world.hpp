// A whole sweep on a simulated clock: the core, agents that follow PROTOCOL.md, and a network between them
// that delays, loses, repeats and cuts. Everything depends on one seed only.
//
// Rules: every message passes through the real codec. Messages of a connection stay in order; a cut loses the
// messages under way in both directions. An agent acts only on the messages that it has received.
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

/// A seeded generator with the same numbers on every machine (the distributions of <random> differ).
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  int below(int limit) { return static_cast<int>(engine_() % static_cast<std::uint64_t>(limit)); }
  int between(int low, int high) { return low + below(high - low + 1); }
  bool percent(int chance) { return below(100) < chance; }

 private:
  std::mt19937_64 engine_;
};

/// A queue of tasks by time. Tasks for the same time are run in the order in which they were added.
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
      return when != other.when ? when > other.when : order > other.order;  // the earliest task on top
    }
  };
  std::priority_queue<Item> items_;
  std::uint64_t count_ = 0;
};

/// Probabilities of faults, in percent.
struct FaultRates {
  int lost = 0, repeated = 0;  // per message
  int cut = 0;                 // per message: the connection is cut after it
  int dies = 0;                // per lease: the agent is killed; it may be restarted later
  int leaves = 0;              // per lease: Slurm ends the agent
  int fails = 0;               // per attempt: the benchmark or the node fails
  bool stopped = false;        // the user presses Ctrl-C
};

/// An agent that follows PROTOCOL.md. It throws if it is leased more than its GPUs can run.
class SimAgent {
 public:
  struct Attempt {
    bool finished = false;  // waits for Settled
    wire::Finished end;
    std::uint64_t run = 0;
    int gpus = 0;
    bool is_member = false;  // of a gang, and does not run its client
  };
  AgentInfo info;
  bool alive = false, connected = false, welcome = false, leased = false, draining = false, pack = false;
  std::uint64_t process = 0;     // number of its process; tasks of an earlier process are dropped
  std::uint64_t connection = 0;  // number of its connection; messages on an earlier one are lost
  Instant last_arrival[2] = {};  // of messages to and from the controller, to keep them in order
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
  /// Runs until the sweep is closed and every agent has ended, or no event is left.
  void run();

  /// Returns the state of the running agents, for a failure's message.
  std::string agents_text() const;

  Settings settings;
  std::vector<PointSpec> specs;
  State state;
  std::vector<Event> events;  // the journal
  FaultRates faults;
  bool some_invalid = false;  // some results are not valid
  std::vector<std::string> problems;
  std::uint64_t steps = 0;
  int unusable = 0;  // ServerUnusable events
  int gangs = 0;     // gangs with a result

 private:
  static constexpr int kToController = 0, kToAgent = 1;

  // the controller's side
  void command(const Command& command);
  void check_start(const Event& event);
  void receive(const std::string& agent, const wire::Message& message);
  void send_all(const std::vector<Effect>& effects);
  wire::Message message_of(const Effect& effect) const;
  // the network
  void transmit(SimAgent& agent, int direction, const wire::Message& message);
  void cut(SimAgent& agent);
  // the agents' side
  void boot(SimAgent& agent);
  void heartbeat(SimAgent& agent);
  void on_message(SimAgent& agent, const wire::Message& message);
  void on_lease(SimAgent& agent, const wire::Lease& lease);
  void begin(SimAgent& agent, const AttemptRef& ref, std::uint64_t run);
  void begin_client(SimAgent& agent, const AttemptRef& ref, std::uint64_t run);
  void run_member(SimAgent& agent, const AttemptRef& ref, std::uint64_t run);
  void make_gangs();
  bool has_all_members(const AttemptRef& ref);
  void end(SimAgent& agent, const AttemptRef& ref, const Outcome& outcome);
  void die(SimAgent& agent);
  void leave(SimAgent& agent, OutcomeKind kind);
  Outcome random_outcome();
  Outcome start_failure();
  /// Schedules a task that is dropped if the agent's process ends before.
  void later(SimAgent& agent, Millis delay, std::function<void()> what);

  Random random_;
  Agenda agenda_;
  Instant now_ = from_unix_ms(1'700'000'000'000);
  std::map<std::string, SimAgent> agents_;
  std::uint64_t runs_ = 0;
  std::map<std::string, std::vector<WarmServer>> warm_;  // by agent, before the present event
};

}  // namespace sweep::core
