// Test fixture: a sweep without sockets and clock. Tests send commands and compare the replies.
//
// Rules: every command goes through decision_for(), which checks after it that the invariants hold, that Tick
// has nothing more to do, and that the next deadline is in the future. At the end of each test the events are
// written, read and replayed, and must give the same state.
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
#include "util/json.hpp"

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
    return "drain " + agent + (m->complete ? " complete" : "") + (m->invalid ? " invalid" : "");
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

  /// Starts a sweep of points p0, p1, … that need these numbers of GPUs.
  void begin(const std::vector<int>& gpus) {
    for (std::size_t i = 0; i < gpus.size(); ++i)
      specs.push_back({"p" + std::to_string(i), gpus[i]});
    state = make_state(settings, specs);
  }

  Decision decision_for(const Command& command) {
    std::size_t applied = 0;
    Decision decision = advance(state, command, now, [&](const State&, const Event&) { ++applied; });
    EXPECT_EQ(applied, decision.events.size());
    EXPECT_THAT(check_invariants(state), IsEmpty());
    EXPECT_THAT(decide(state, Tick{}, now).events, IsEmpty()) << "Tick still has something to do";
    const auto next = next_deadline(state, now);
    EXPECT_TRUE(!next || *next > now) << "the next deadline is in the past";
    events.insert(events.end(), decision.events.begin(), decision.events.end());
    return decision;
  }
  /// Handles the command and returns the messages that are sent.
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
  /// Lets time pass; only the agents in `heard` send messages, the last one at its end.
  Messages wait(Millis time, const Messages& heard = {}) {
    const Millis longest = std::max(Millis(1), settings.agent_timeout / 3);
    for (Millis left = time; left > Millis(0);) {
      const Millis step = heard.empty() ? left : std::min(left, longest);
      left -= step;
      now += step;
      for (const std::string& agent : heard)
        mark_seen(state, agent, now);
    }
    return handle(Tick{});
  }
  Messages lose(const std::string& agent) {
    Messages others;
    for (const auto& [id, status] : state.agents) {
      if (id != agent && !status.gone) others.push_back(id);
    }
    return wait(others.empty() ? settings.last_agent_timeout : settings.agent_timeout, others);
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
    EXPECT_EQ(dump(again), dump(state)) << "the journal gives a different state";
  }

  Settings settings;
  std::vector<PointSpec> specs;
  State state;
  Instant now = from_unix_ms(1'700'000'000'000);
  std::vector<Event> events;
  std::string rejected;  // of the last command
};

}  // namespace sweep::core
