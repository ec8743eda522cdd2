// What all parts of a simulated sweep share: chance, time, scenario, checker and trace.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>

#include "agent/core/actions.hpp"
#include "tests/sim/injected_bugs.hpp"
#include "tests/sim/random.hpp"
#include "tests/sim/scenario.hpp"
#include "tests/sim/checker.hpp"

namespace sweep::sim {

/// The last steps, for people who look at a seed that failed. Costs nothing while it is off.
class Trace {
 public:
  /// Of how many steps; 0: off.
  explicit Trace(std::size_t kept) : on_(kept > 0), kept_(kept) {}
  template <class Make>
  void operator()(Instant now, Make&& make) {
    if (!on_) return;
    lines_.push_back(std::to_string(to_unix_ms(now) % 1'000'000'000) + "  " + make());
    if (lines_.size() > kept_) lines_.pop_front();
  }
  std::string text() const {
    std::string out;
    for (const std::string& line : lines_)
      out += line + "\n";
    return out;
  }

 private:
  bool on_;
  std::size_t kept_;
  std::deque<std::string> lines_;
};

struct Simulation {
  Simulation(std::uint64_t seed, std::size_t traced, InjectedBug injected)
      : random(seed), scenario(random_scenario(random)), trace(traced), bug(injected) {}

  Random random;
  Scenario scenario;
  FaultRates faults;  // now: none in calm sessions
  Agenda agenda;
  Instant now = from_unix_ms(1'700'000'000'000);
  Checker checker;
  Trace trace;
  InjectedBug bug;
  int adopted = 0, servers = 0, warm = 0;  // warm: benchmarks under a server that had another one before
  std::uint64_t steps = 0;                 // inputs of a core: commands, and what reaches an agent
};

/// A node, and what is on its disk: it outlives jobs and agents.
struct Node {
  struct File {
    agent::FileStamp stamp;
    std::string bytes;
  };
  /// The end of an attempt that its agent has to hand in.
  struct Spooled {
    wire::Finished finished;
    std::string bytes, agent;
    std::int64_t pid = 0;  // whose place it is in: as long as that one lives, nobody else looks there
  };
  NodeSpec spec;
  std::map<std::string, File> files;
  std::map<Key, Spooled> spool;
  std::set<std::int64_t> living;  // agents
  std::uint64_t inodes = 0;

  void write(const std::string& path, const std::string& bytes) {
    files[path] = {{1, ++inodes, bytes.size(), 0}, bytes};
  }
};

}  // namespace sweep::sim
