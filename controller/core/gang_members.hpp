// Chooses the agents of a gang, and keeps nodes for a gang that waits.
//
// Rules:
// - A gang gets all its nodes at once or none, each node one agent, and agents with equal numbers of GPUs for all nodes
//   with GPUs.
// - The first waiting gang that cannot begin yet has a reservation: the agents that are expected to be free first. Another
//   point gets one of them only if it is expected to end before the gang can begin. So no gang waits longer than the
//   attempts that run on these agents.
// - Expected times are measured ones. If one is unknown, nothing else begins on the agents of the reservation.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/core/events.hpp"

namespace sweep::core {

/// True if the point is a gang that agents can run.
bool is_runnable_gang(const PointSpec& spec);

/// The nodes that a waiting gang keeps free.
struct Reservation {
  std::set<std::string> agents;
  std::optional<Instant> begins;  // when the gang is expected to begin; nullopt: unknown
};

/// True if the point may begin on the agent now, although it is reserved: the point is expected to end before the gang
/// begins. True for all agents without a reservation.
bool may_use(const State& state, const Reservation& reserved, const AgentStatus& agent,
             const PointStatus& point, Instant now);

/// What schedule() does about gangs.
struct GangTurn {
  std::optional<Leased> lease;  // of the first gang that can begin now
  Reservation reserved;         // of the first one that cannot; empty if there is none
};
GangTurn next_gang(const State& state, Instant now);

/// Returns why no agents of this session, gone or not, could run the gang together; nullopt if they could.
std::optional<std::string> too_large_gang(const State& state, const PointStatus& point);

}  // namespace sweep::core
