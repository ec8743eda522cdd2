// Thousands of simulated agents in one process and one thread: what bench_controller drives a controller
// with.
//
// Rules: each agent has a TCP connection of its own with its own CURVE handshake, its own routing id and its
// own say (Hello, Ready, Started, Finished with a result, Heartbeat, Goodbye), so that the controller sees
// what it sees of as many real agents. On this side all connections hang on one ROUTER socket, which talks to
// each by name: ten thousand DEALER sockets would take twice the descriptors and a poll over all of them for
// every message, and the machine would measure that. For the same reason it has no connection monitors.
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

/// Where to connect, and what to show there.
struct Door {
  std::string endpoint, server_key, client_secret;
};

using Clock = std::chrono::steady_clock;

class Crowd {
 public:
  Crowd(int agents, SignalFd& signals);
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

  /// Connects all, and says Hello; until each has its Welcome. The time that took, in seconds.
  Expected<double> connect(const Door& door);
  /// Says Ready; until each has a lease and has said Started.
  Expected<void> take_work();
  /// All go on with what they have for `time`, and say Heartbeat when the controller wants to hear it.
  Expected<void> idle(Clock::duration time);

  /// What a phase saw.
  struct Tally {
    double seconds = 0;
    std::uint64_t points = 0, in = 0, out = 0;  // settled; messages
    std::vector<double> lease_ms;               // from Finished, sent, to the next Lease, received
  };
  /// Every point is done at once; until `points` more are settled. Afterwards all have a lease again, for
  /// which the sweep must have two points for each agent more than that.
  Expected<Tally> rush(std::uint64_t points);
  /// Every point lasts `mean` on average, evenly spread from 0.5 to 1.5 times that (the first also less);
  /// until `points` more are settled.
  Expected<Tally> stroll(std::uint64_t points, Clock::duration mean);
  /// Ends what is left, and says Goodbye to each Drain; until there was one for each. True when all say that
  /// the sweep is complete.
  Expected<bool> part();

  std::uint64_t refused_results() const { return refused_; }

 private:
  struct Agent {
    std::string name;
    Clock::time_point said{}, finished{};
    wire::AttemptRef ref;
    std::string conc;
    bool has_lease = false, waits_for_lease = false;
    bool parted = false;
  };
  enum class Pace { Hold, Rush, Stroll };
  struct Due {
    Clock::time_point at;
    int agent;
    bool is_heartbeat;
    bool operator>(const Due& other) const { return at > other.at; }
  };

  void open(const Door& door);
  Expected<void> run_until(const std::function<bool()>& over, Clock::time_point limit, bool must);
  Expected<void> take(int agent, const wire::Message& message);
  void take_lease(Agent& agent, int index, const wire::Lease& lease);
  void start_running(int index, double least);
  void finish(int index);
  void ring(const Due& due);
  void say(Agent& agent, const wire::Message& message, std::string_view bulk = {});
  Tally begin();
  void end(Tally& tally);

  SignalFd& signals_;
  zmq::context_t context_;
  zmq::socket_t socket_;
  std::vector<Agent> agents_;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> dues_;
  std::minstd_rand random_{1};
  Pace pace_ = Pace::Hold;
  Clock::duration heartbeat_{std::chrono::seconds(10)}, mean_{};
  std::string trouble_;
  int welcomed_ = 0, leased_ = 0, holding_ = 0, parted_ = 0;
  bool all_complete_ = true;
  std::uint64_t settled_ = 0, refused_ = 0, in_ = 0, out_ = 0;
  Clock::time_point began_{}, last_settled_{};
  std::vector<double> lease_ms_;
};

}  // namespace sweep::bench
