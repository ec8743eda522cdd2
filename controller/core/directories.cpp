#include "controller/core/directories.hpp"

#include <iterator>

namespace sweep::core {

namespace {

Attempt& attempt_in(State& state, std::pair<int, int> place) {
  return attempt_at(point_at(state, place.first), place.second);
}

/// Returns true if the agent's attempts may run in the directory.
bool may_be_in(const AgentStatus& agent, const std::string& directory) {
  return agent.directory.empty() || agent.directory.str() == directory;
}

/// Returns true if a process of the attempt may have run although its start is not known: the message was lost with a
/// controller that died.
bool may_have_run(const Attempt& attempt) {
  if (attempt.started) return false;  // that is known
  if (!attempt.outcome || attempt.outcome->exit_code || attempt.outcome->signal) return true;
  const OutcomeKind kind = attempt.outcome->kind;
  return kind != OutcomeKind::BenchmarkFailed && kind != OutcomeKind::ServerFailed;
}

/// Calls visit(place) for each other attempt that is leased, of which no start is known, and that may run in the
/// directory.
template <class Visit>
void each_unstarted(const State& state, std::pair<int, int> own, const std::string& directory, Visit visit) {
  for (const auto& [id, agent] : state.agents) {
    if (!directory.empty() && !may_be_in(agent, directory)) continue;
    for (const auto& place : agent.held) {
      if (place != own && !attempt_at(point_at(state, place.first), place.second).started) visit(place);
    }
  }
}

/// Returns true if another attempt left the directory while this one may have run there, unknown to the controller.
bool was_left_meanwhile(const State& state, std::pair<int, int> place, const std::string& directory) {
  const auto has = [&](const std::string& name) {
    const auto found = state.directories.left_meanwhile.find(name);
    return found != state.directories.left_meanwhile.end() && found->second.contains(place);
  };
  return has(directory) || has("");
}

void forget_left(State& state, std::pair<int, int> place) {
  auto& all = state.directories.left_meanwhile;
  for (auto at = all.begin(); at != all.end();) {
    at->second.erase(place);
    at = at->second.empty() ? all.erase(at) : std::next(at);
  }
}

/// Handles the end of an attempt whose start is not known: it may have run in any directory of its agent.
void leave_unknown(State& state, std::pair<int, int> place, const AgentStatus& agent) {
  for (const auto& [directory, there] : state.directories.running) {
    if (!may_be_in(agent, directory)) continue;
    for (const auto& other : there)
      attempt_in(state, other).shared = true;
  }
  const std::string& directory = agent.directory.str();
  each_unstarted(state, place, directory,
                 [&](auto other) { state.directories.left_meanwhile[directory].insert(other); });
}

}  // namespace

bool may_be_shared(const State& state, const AttemptRef& ref) {
  const Attempt* attempt = find_attempt(state, ref);
  if (attempt == nullptr || attempt->shared || attempt->directory.empty()) return true;
  bool any = false;
  each_unstarted(state, {find_point(state, ref.point), ref.attempt}, attempt->directory.str(),
                 [&](auto) { any = true; });
  return any;
}

void enter_directory(State& state, std::pair<int, int> place) {
  Attempt& attempt = attempt_in(state, place);
  if (!attempt.directory.empty()) {
    auto& there = state.directories.running[attempt.directory.str()];
    attempt.shared = !there.empty() || was_left_meanwhile(state, place, attempt.directory.str());
    // Two or more that are there at once have been marked when the second of them came.
    if (there.size() == 1) attempt_in(state, *there.begin()).shared = true;
    there.insert(place);
  }
  forget_left(state, place);
}

void leave_directory(State& state, std::pair<int, int> place) {
  Attempt& attempt = attempt_in(state, place);
  const auto agent = state.agents.find(attempt.agent);
  if (agent == state.agents.end() || !agent->second.held.contains(place)) return;
  forget_left(state, place);
  if (may_have_run(attempt)) leave_unknown(state, place, agent->second);
  const auto found = state.directories.running.find(attempt.directory.str());
  if (found == state.directories.running.end()) return;
  found->second.erase(place);
  each_unstarted(state, place, attempt.directory.str(), [&](auto other) {
    // Later the other may not be known any more, and the files of this attempt may still come from a spool.
    attempt.shared = true;
    state.directories.left_meanwhile[attempt.directory.str()].insert(other);
  });
  if (found->second.empty()) state.directories.running.erase(found);
}

}  // namespace sweep::core
