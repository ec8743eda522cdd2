// A sweep without sockets and clocks, told what happens and asked what it says.
//
// Rules: every step goes through handle(), which checks after it what must hold always: the invariants, that
// nothing more is due, that the next deadline lies ahead. At the end of each test the events are written,
// read and replayed, and must make the same state.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "controller/core/decide.hpp"
#include "controller/core/events.hpp"
#include "controller/core/events_json.hpp"
#include "controller/core/invariants.hpp"
#include "controller/core/replay.hpp"
#include "tests/unit/core_dump.hpp"

namespace sweep::core {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

inline std::string text_of(const AttemptRef& ref) {
  return ref.point + "/" + std::to_string(ref.attempt);
}

/// "lease a p0/1", "settled a p0/1 accepted", "drain a complete", …
inline std::string text_of(const Effect& effect) {
  if (const auto* e = std::get_if<SendWelcome>(&effect)) return "welcome " + e->agent;
  if (const auto* e = std::get_if<SendLease>(&effect)) return "lease " + e->agent + " " + text_of(e->ref);
  const auto& [agent, message] = std::get<SendMessage>(effect);
  if (std::holds_alternative<wire::Reject>(message)) return "reject " + agent;
  if (const auto* m = std::get_if<wire::Cancel>(&message)) return "cancel " + agent + " " + text_of(m->ref);
  if (const auto* m = std::get_if<wire::Drain>(&message))
    return "drain " + agent + (m->complete ? " complete" : "");
  if (const auto* m = std::get_if<wire::Settled>(&message)) {
    return "settled " + agent + " " + text_of(m->ref) + (m->accepted ? " accepted" : "");
  }
  return "unexpected message to " + agent;
}

inline std::vector<std::string> gpu_names(int count, int first = 0) {
  std::vector<std::string> names;
  for (int i = 0; i < count; ++i)
    names.push_back(std::to_string(first + i));
  return names;
}

inline AgentInfo agent_info(const std::string& id, const std::string& node, int gpus, int tasks = 1) {
  AgentInfo info;
  info.id = id;
  info.node = node;
  info.job = "12";
  info.step = "0";
  info.tasks = tasks;
  info.gpus = gpu_names(gpus);
  info.pid = 100;
  return info;
}

inline Outcome outcome_of(OutcomeKind kind, const std::string& reason = "") {
  Outcome outcome;
  outcome.kind = kind;
  outcome.reason = reason;
  return outcome;
}

inline Event written_and_read(const Event& event) {
  const auto text = event_to_json(event.what).dump();
  auto what = event_from_json(event_word(event.what), nlohmann::json::parse(text));
  EXPECT_TRUE(what) << what.error().message << " in " << text;
  return {event.at, std::move(*what)};
}

class CoreTest : public testing::Test {
 protected:
  using Messages = std::vector<std::string>;

  /// Points p0, p1, … that need so many GPUs.
  void begin(const std::vector<int>& gpus) {
    for (std::size_t i = 0; i < gpus.size(); ++i)
      specs.push_back({"p" + std::to_string(i), gpus[i]});
    state = make_state(settings, specs);
  }

  Decision decision_for(const Command& command) {
    std::size_t witnessed = 0;
    Decision decision = advance(state, command, now, [&](const State&, const Event&) { ++witnessed; });
    EXPECT_EQ(witnessed, decision.events.size());
    EXPECT_THAT(check_invariants(state), IsEmpty());
    EXPECT_THAT(decide(state, Tick{}, now).events, IsEmpty()) << "something is still due";
    const auto next = next_deadline(state, now);
    EXPECT_TRUE(!next || *next > now) << "a deadline has passed and nothing came of it";
    events.insert(events.end(), decision.events.begin(), decision.events.end());
    return decision;
  }
  /// What goes out because of the command.
  Messages handle(const Command& command) {
    const Decision decision = decision_for(command);
    rejected = decision.rejected;
    Messages words;
    for (const Effect& effect : decision.replies)
      words.push_back(text_of(effect));
    return words;
  }

  Messages join(const AgentInfo& info) {
    mark_seen(state, info.id, now);
    return handle(Hello{info});
  }
  Messages ready(const std::string& agent) {
    mark_seen(state, agent, now);
    return handle(Ready{agent});
  }
  Messages arrive(const std::string& id, const std::string& node, int gpus, int tasks = 1) {
    join(agent_info(id, node, gpus, tasks));
    return ready(id);
  }
  Messages start(const std::string& agent, const std::string& point, int attempt = 1) {
    mark_seen(state, agent, now);
    return handle(AttemptStarted{agent, {point, attempt}, 4711});
  }
  Messages finish(const std::string& agent, const std::string& point, int attempt, const Outcome& outcome) {
    mark_seen(state, agent, now);
    return handle(AttemptFinished{agent, {point, attempt}, outcome, Millis(1'500)});
  }
  Messages finish(const std::string& agent, const std::string& point, int attempt = 1,
               OutcomeKind kind = OutcomeKind::Ok) {
    return finish(agent, point, attempt, outcome_of(kind, kind == OutcomeKind::Ok ? "" : "why"));
  }
  Messages heartbeat(const std::string& agent) {
    mark_seen(state, agent, now);
    return handle(Heartbeat{agent});
  }
  /// Time passes; these agents are heard of at its end, the others are not.
  Messages wait(Millis time, const Messages& heard = {}) {
    now += time;
    for (const std::string& agent : heard)
      mark_seen(state, agent, now);
    return handle(Tick{});
  }
  Messages lose(const std::string& agent) {
    Messages others;
    for (const auto& [id, status] : state.agents) {
      if (id != agent) others.push_back(id);
    }
    return wait(settings.agent_timeout, others);
  }

  const PointStatus& point(const std::string& id) const {
    return state.points.at(static_cast<std::size_t>(find_point(state, id)));
  }
  const AgentStatus& agent(const std::string& id) const { return state.agents.at(id); }

  void TearDown() override {
    State again = make_state(settings, specs);
    std::vector<Event> read;
    for (const Event& event : events)
      read.push_back(written_and_read(event));
    const auto replayed = replay(again, read);
    EXPECT_TRUE(replayed) << replayed.error().message;
    EXPECT_EQ(dump(again), dump(state)) << "the journal makes another state";
  }

  Settings settings;
  std::vector<PointSpec> specs;
  State state;
  Instant now = from_unix_ms(1'700'000'000'000);
  std::vector<Event> events;
  std::string rejected;  // of the last step
};

}  // namespace sweep::core
