// The stage for tests of recipes' servers (agent/core): an agent that serves, and what it is told and asked.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/agent_fixture.hpp"

namespace sweep::agent {

inline Setup without_command(const std::vector<std::string>& gpus = {"0", "1", "2", "3"}) {
  Setup setup = ScriptedAgent::some_setup(gpus);
  setup.hello.command = {};
  return setup;
}

/// The scene of an agent that runs recipes: it serves, and it is asked.
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
  void server_runs(int number) { feed(ProcessStarted{server(number), 500 + number}); }
  void server_says(int number, const std::string& text) { feed(Output{server(number), true, text}); }
  void server_ends(int number, Ended how) {
    feed(LeaderExited{server(number), how});
    feed(GroupGone{server(number)});
  }
  /// Answers the last question.
  void answer(int status, const std::string& problem = {}) {
    ASSERT_FALSE(asked.empty());
    feed(Answered{asked.back().ref, asked.back().serial, status, problem});
  }
  /// Up to where the client runs, on server `number`, which is new.
  void serve_first(const std::string& point, int number = 1, const std::string& key = "k1", int gpus = 4) {
    hear(recipe(point, key, gpus));
    server_runs(number);
    answer(200);
    start(point);
  }
  /// The client ends well and leaves a result.
  void done(const std::string& point) {
    leave_result(point, "{}");
    exit(point);
    hear(wire::Settled{{point, 1}, true});
  }
  wire::Finished finished(const std::string& point) const {
    for (const wire::Finished& message : said<wire::Finished>()) {
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
  /// What was started: the last word of each command line.
  std::vector<std::string> started() const {
    std::vector<std::string> out;
    for (const Spawn& spawn : spawned)
      out.push_back(spawn.argv.back());
    return out;
  }
};

}  // namespace sweep::agent
