// Thousands of simulated agents in one process and one thread, with which bench_controller drives a
// controller.
//
// Each agent has its own TCP connection with its own CURVE handshake and routing id, and sends its own
// messages (Hello, Ready, Started, Finished with a result, Heartbeat, Goodbye), so the controller sees the
// same as with as many real agents. On this side all connections belong to one ROUTER socket that addresses
// each by its routing id: ten thousand DEALER sockets would need twice the descriptors and a poll over all of
// them for every message, and the benchmark would measure that. For the same reason there are no connection
// monitors.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <queue>
#include <random>
#include <string>
#include <vector>
#include <zmq.hpp>

#include "proto/wire/codec.hpp"
#include "util/error.hpp"
#include "util/os/signals.hpp"

namespace sweep::bench {

/// What agents need to connect to a controller with key authentication.
struct ConnectInfo {
  std::string endpoint, server_key, client_secret;
};

using Clock = std::chrono::steady_clock;

class SimulatedAgents {
 public:
  SimulatedAgents(int agents, SignalFd& signals);
  SimulatedAgents(const SimulatedAgents&) = delete;
  SimulatedAgents& operator=(const SimulatedAgents&) = delete;

  /// Connects all agents and sends Hello; waits until each has its Welcome. Returns the seconds that this
  /// took.
  Expected<double> connect(const ConnectInfo& info);
  /// Sends Ready; waits until each agent has a lease and has sent Started.
  Expected<void> take_work();
  /// Lets all agents hold their leases for `time`, sending only heartbeats at the interval that the
  /// controller requests.
  Expected<void> idle(Clock::duration time);

  /// The results of a phase.
  struct PhaseTotals {
    double seconds = 0;
    std::uint64_t points = 0, in = 0, out = 0;  // settled points; messages received and sent
    std::vector<double> lease_ms;               // from sending Finished to receiving the next Lease
  };
  /// Finishes every point as soon as it is leased, until `points` more are settled. Afterwards all agents
  /// have a lease again, so the sweep must have at least two more points for each agent.
  Expected<PhaseTotals> run_saturated(std::uint64_t points);
  /// Lets every point last `mean` on average, uniformly distributed from 0.5 to 1.5 times that (the first
  /// ones also less), until `points` more are settled.
  Expected<PhaseTotals> run_paced(std::uint64_t points, Clock::duration mean);
  /// Finishes the remaining points and answers each Drain with Goodbye, until every agent has received a
  /// Drain. Returns true if all Drains report that the sweep is complete.
  Expected<bool> drain();

  std::uint64_t rejected_results() const { return rejected_; }

 private:
  struct Agent {
    std::string name;
    Clock::time_point last_sent{}, finished{};
    wire::AttemptRef ref;
    std::string conc;
    bool has_lease = false, waits_for_lease = false;
    bool drained = false;
  };
  enum class Mode { Hold, Saturated, Paced };
  /// The end of a point or a heartbeat, at a given time.
  struct TimedAction {
    Clock::time_point at;
    int agent;
    bool is_heartbeat;
    bool operator>(const TimedAction& other) const { return at > other.at; }
  };

  void open_connections(const ConnectInfo& info);
  Expected<void> run_until(const std::function<bool()>& done, Clock::time_point limit, bool must_be_done);
  Expected<void> receive_messages(const std::function<bool()>& done);
  Expected<void> handle(int agent, const wire::Message& message);
  void take_lease(Agent& agent, int index, const wire::Lease& lease);
  void start_running(int index, double least);
  void finish(int index);
  void finish_all();
  void run_due_actions(Clock::time_point now);
  void run_action(const TimedAction& action);
  void send(Agent& agent, const wire::Message& message, std::string_view bulk = {});
  PhaseTotals begin_phase();
  void end_phase(PhaseTotals& totals);

  SignalFd& signals_;
  zmq::context_t context_;
  zmq::socket_t socket_;
  std::vector<Agent> agents_;
  std::priority_queue<TimedAction, std::vector<TimedAction>, std::greater<>> actions_;
  std::minstd_rand random_{1};
  Mode mode_ = Mode::Hold;
  Clock::duration heartbeat_{std::chrono::seconds(10)}, mean_{};
  std::string send_error_;
  int welcomed_ = 0, leased_ = 0, holding_ = 0, drained_ = 0;
  bool all_complete_ = true;
  std::uint64_t settled_ = 0, rejected_ = 0, in_ = 0, out_ = 0;
  Clock::time_point began_{}, last_settled_{};
  std::vector<double> lease_ms_;
};

}  // namespace sweep::bench
