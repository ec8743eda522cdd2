#include "controller/core/effects.hpp"

namespace sweep::core {

namespace {

/// Appends cancellations of all other attempts of the point that have not ended.
void cancel_others(const State& state, const AttemptRef& except, std::vector<Effect>& out) {
  const auto& attempts = point_at(state, find_point(state, except.point)).attempts;
  for (std::size_t i = 0; i < attempts.size(); ++i) {
    const int number = static_cast<int>(i) + 1;
    const bool over = attempts[i].state == Attempt::State::Ended || attempts[i].state == Attempt::State::Lost;
    if (number == except.attempt || over) continue;
    out.push_back(SendMessage{attempts[i].agent,
                              wire::Cancel{{except.point, number}, "another attempt has the result"}});
  }
}

std::vector<Effect> on(const State&, const AgentJoined& event) {
  return {SendWelcome{event.agent.id}};
}
std::vector<Effect> on(const State&, const AgentReady&) {
  return {};
}
std::vector<Effect> on(const State&, const AgentGone&) {
  return {};
}
std::vector<Effect> on(const State& state, const AgentReturned& event) {
  return missed_messages(state, event.agent);
}
std::vector<Effect> on(const State&, const Leased& event) {
  if (event.members.empty()) return {SendLease{event.agent, event.ref}};
  std::vector<Effect> out;
  for (const GangMember& member : event.members)
    out.push_back(SendLease{member.agent, event.ref});
  return out;
}

/// Tells the members of a gang except the client's that the attempt has ended with a result: they keep their servers.
void settle_members(const Attempt& attempt, const AttemptRef& ref, std::vector<Effect>& out) {
  for (const GangMember& member : attempt.members) {
    if (member.agent != attempt.agent) out.push_back(SendMessage{member.agent, wire::Settled{ref, true}});
  }
}

/// Cancels the attempt on the members of a gang that still run it.
void cancel_members(const State& state, const Attempt& attempt, const AttemptRef& ref,
                    std::vector<Effect>& out) {
  for (const GangMember& member : attempt.members) {
    if (member.ended || state.agents.at(member.agent).gone) continue;
    out.push_back(
        SendMessage{member.agent, wire::Cancel{ref, "its gang has ended: " + describe(*attempt.outcome)}});
  }
}

/// The client's agent gets Settled with Ended.
std::vector<Effect> on(const State& state, const MemberEnded& event) {
  if (find_attempt(state, event.ref)->agent == event.agent) return {};
  return {SendMessage{event.agent, wire::Settled{event.ref, false}}};
}
std::vector<Effect> on(const State&, const Started&) {
  return {};
}
std::vector<Effect> on(const State& state, const Sending& event) {
  std::vector<Effect> out;
  settle_members(*find_attempt(state, event.ref), event.ref, out);
  return out;
}
std::vector<Effect> on(const State&, const Unfit&) {
  return {};
}

std::vector<Effect> on(const State&, const JobEnds&) {
  return {};
}
std::vector<Effect> on(const State&, const Quarantined&) {
  return {};
}
// The agents reconnect and send Hello, and then get the messages that they have missed.
std::vector<Effect> on(const State&, const Recovered&) {
  return {};
}
std::vector<Effect> on(const State&, const Resumed&) {
  return {};
}
std::vector<Effect> on(const State&, const Salvaged&) {
  return {};
}
std::vector<Effect> on(const State&, const ServerUnusable&) {
  return {};
}
std::vector<Effect> on(const State&, const Paused&) {
  return {};
}

std::vector<Effect> on(const State& state, const Ended& event) {
  std::vector<Effect> out;
  const Attempt& attempt = *find_attempt(state, event.ref);
  const GangMember* client = find_member(attempt, attempt.agent);
  // If another member has ended the gang, the client's agent is still to report its end.
  if (!event.lost && (client == nullptr || client->ended))
    out.push_back(SendMessage{attempt.agent, wire::Settled{event.ref, event.accepted}});
  event.outcome.kind == OutcomeKind::Ok ? settle_members(attempt, event.ref, out)
                                        : cancel_members(state, attempt, event.ref, out);
  if (event.accepted) cancel_others(state, event.ref, out);
  return out;
}

std::vector<Effect> on(const State& state, const Stopping& event) {
  std::vector<Effect> out;
  for (const auto& [id, agent] : state.agents) {
    for (const auto& [index, number] : agent.held) {
      out.push_back(SendMessage{id, wire::Cancel{{point_at(state, index).spec.id, number}, event.reason}});
    }
  }
  return out;
}

std::vector<Effect> on(const State& state, const Closed&) {
  std::vector<Effect> out;
  const wire::Drain message = drain_message(state, state.end_reason);
  for (const auto& [id, agent] : state.agents) {
    if (!agent.gone) out.push_back(SendMessage{id, message});
  }
  return out;
}

}  // namespace

std::vector<Effect> effects(const State& state, const Event& event) {
  return std::visit([&](const auto& what) { return on(state, what); }, event.what);
}

wire::Drain drain_message(const State& state, const std::string& reason) {
  return {complete(state), reason, state.settings.strict && invalid_points(state) > 0};
}

std::vector<Effect> missed_messages(const State& state, const std::string& agent) {
  const auto found = state.agents.find(agent);
  if (found == state.agents.end()) return {};
  if (state.phase == Phase::Closed) return {SendMessage{agent, drain_message(state, state.end_reason)}};
  std::vector<Effect> out;
  for (const auto& [index, number] : found->second.held) {
    const PointStatus& point = point_at(state, index);
    const Attempt& attempt = attempt_at(point, number);
    const AttemptRef ref{point.spec.id, number};
    const bool written_off = attempt.state == Attempt::State::Lost;
    const bool gang_ended =
        attempt.state == Attempt::State::Ended;  // and this member has not reported its end
    if (state.phase == Phase::Stopping || written_off || gang_ended || point.state == PointState::Done) {
      // An agent ignores the cancellation of a lease that it has never received, and the attempt would stay
      // held forever. So the lease is sent again first: then the agent ends it and reports the end.
      if (!attempt.started) out.push_back(SendLease{agent, ref});
      const std::string reason = state.phase == Phase::Stopping ? state.end_reason
                                 : written_off                  ? "the attempt was written off"
                                 : gang_ended                   ? "its gang has ended"
                                                                : "another attempt has the result";
      out.push_back(SendMessage{agent, wire::Cancel{ref, reason}});
    } else if (attempt.state == Attempt::State::Leased) {
      out.push_back(SendLease{agent, ref});
    }
  }
  return out;
}

void drop_effects_for(std::vector<Effect>& effects, const std::string& agent) {
  std::erase_if(effects, [&](const Effect& effect) {
    return std::visit([&](const auto& what) { return what.agent == agent; }, effect);
  });
}

}  // namespace sweep::core
