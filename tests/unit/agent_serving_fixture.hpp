// The fixture for tests of recipes' servers (agent/core).
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/agent_fixture.hpp"

namespace sweep::agent {

inline Setup without_command(const std::vector<std::string>& gpus = {"0", "1", "2", "3"}) {
  Setup setup = ScriptedAgent::default_setup(gpus);
  setup.hello.command = {};
  return setup;
}

/// An agent that runs recipes; the test plays its servers and answers its HTTP requests.
class ServingAgent : public ScriptedAgent {
 public:
  explicit ServingAgent(bool pack = false, Setup setup = without_command())
      : ScriptedAgent(std::move(setup)) {
    checks_ports = false;
    join(pack);
  }

  static wire::Lease recipe(const std::string& point, const std::string& key = "k1", int gpus = 4) {
    wire::Lease out = lease(point, gpus);
    out.environment = {{"TP", std::to_string(gpus)}, {"CONC", "4"}, {"MODEL", "m"}};
    out.command = {"bash", "-c", "client"};
    out.timeouts = {60'000, 0, 0};
    out.server.key = key;
    out.server.command = {"bash", "-c", "serve " + key};
    out.server.names = {"TP", "MODEL"};
    out.server.ready_url = out.server.health_url = "/health";
    out.server.reset_url = "/reset";
    out.server.progress_ms = 30'000;
    out.server.longest_ms = 120'000;
    return out;
  }

  static AttemptRef server(int number) { return {kServerRef, number}; }
  void server_starts(int number) { feed(ProcessStarted{server(number), 500 + number}); }
  void server_prints(int number, const std::string& text) { feed(Output{server(number), true, text}); }
  void server_ends(int number, Ended how) {
    feed(LeaderExited{server(number), how});
    feed(GroupGone{server(number)});
  }
  /// Answers the last HTTP request.
  void answer(int status, const std::string& problem = {}) {
    ASSERT_FALSE(asked.empty());
    feed(ServerAnswered{asked.back().ref, asked.back().serial, status, problem});
  }
  /// Leases `point` and brings it to where its client runs, on the new server `number`.
  void serve_first(const std::string& point, int number = 1, const std::string& key = "k1", int gpus = 4) {
    receive(recipe(point, key, gpus));
    server_starts(number);
    answer(200);
    start(point);
  }
  /// The client exits 0 and leaves a result, which is settled.
  void done(const std::string& point) {
    leave_result(point, "{}");
    exit(point);
    receive(wire::Settled{{point, 1}, true});
  }
  wire::Finished finished(const std::string& point) const {
    for (const wire::Finished& message : messages<wire::Finished>()) {
      if (message.ref.point == point) return message;
    }
    ADD_FAILURE() << point << " has not finished";
    return {};
  }
  std::vector<std::string> phases_of(const std::string& point) const {
    std::vector<std::string> names;
    for (const PhaseTime& phase : finished(point).account.phases)
      names.push_back(phase.name);
    return names;
  }
  /// Returns what was started: the last word of each command line.
  std::vector<std::string> started() const {
    std::vector<std::string> out;
    for (const Spawn& spawn : spawned)
      out.push_back(spawn.argv.back());
    return out;
  }
};

}  // namespace sweep::agent
