// The data shared by all parts of a simulated sweep: random numbers, clock, scenario, checker and trace.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>

#include "agent/core/actions.hpp"
#include "tests/sim/checker.hpp"
#include "tests/sim/injected_bugs.hpp"
#include "tests/sim/random.hpp"
#include "tests/sim/scenario.hpp"

namespace sweep::sim {

/// The last steps of a seed, for debugging it. Costs nothing while it is off.
class Trace {
 public:
  /// `kept`: number of steps to keep; 0: off.
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
      : random(seed), scenario(random_scenario(random)), trace(traced), bug(injected) {
    checker.collects = scenario.welcome.artifact_limit > 0;
  }

  Random random;
  Scenario scenario;
  FaultRates faults;  // present rates; all 0 in sessions without faults
  Agenda agenda;
  Instant now = from_unix_ms(1'700'000'000'000);
  Checker checker;
  Trace trace;
  InjectedBug bug;
  std::map<std::string, std::set<Key>> writing;  // by directory: attempts that may write there
  int adopted = 0, servers = 0, warm = 0;        // warm: clients of a server that had one before
  std::uint64_t steps = 0;                       // inputs of a core: commands and agents' inputs
};

/// A node with its disk. It outlives jobs and agents.
struct Node {
  struct File {
    agent::FileStamp stamp;
    std::string bytes;
  };
  /// The end of an attempt that is not acknowledged yet.
  struct Spooled {
    wire::Finished finished;
    std::string bytes, agent;
    std::int64_t pid =
        0;  // of the agent that owns it; other agents may take it only after that agent has ended
  };
  NodeSpec spec;
  std::map<std::string, File> files;
  std::map<Key, Spooled> spool;
  std::map<Key, std::vector<std::string>> kept_files;  // contents, of the attempts in the spool
  std::set<std::int64_t> living;                       // pids of running agents
  std::uint64_t inodes = 0;

  void write(const std::string& path, const std::string& bytes) {
    files[path] = {{1, ++inodes, bytes.size(), 0}, bytes};
  }
};

}  // namespace sweep::sim
