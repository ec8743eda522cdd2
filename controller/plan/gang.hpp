// Gangs: points that need several servers or nodes. What they need follows from the point's recipe if it has roles, and
// otherwise from the worker groups of its entry. Pure.
#pragma once

#include <string>

#include "controller/core/gang_layout.hpp"
#include "controller/profile/profile.hpp"
#include "proto/base/point.hpp"
#include "util/error.hpp"

namespace sweep {

/// Returns true if a point needs several servers, or one over several nodes.
bool is_gang(const profile::Profile& profile, const Point& point);

/// Returns the GPUs of a node with this hardware, if nothing else is known: 4 for GB200 and GB300, otherwise 8.
int usual_gpus_per_node(const std::string& hardware);

/// Returns what a gang consists of. It has no roles if the point's recipe has none. Without a text, the point is not a
/// gang. Fails, naming the role, if a number comes from a variable that the point does not have or that is not a number.
/// Roles without workers are left out.
Expected<core::GangSpec> gang_spec(const profile::Profile& profile, const Point& point);

/// Returns how many nodes a point takes, if a node has usual_gpus_per_node(). For worker groups: the servers of one role
/// share nodes as far as their GPUs fit; the roles share a node only if all servers fit on it.
int nodes_needed(const profile::Profile& profile, const Point& point);

/// Returns how many GPUs a point takes on all nodes.
int gpus_needed(const profile::Profile& profile, const Point& point);

/// Returns the roles: "prefill 2 x 4 GPUs, decode 1 x 16 GPUs, router"; "" without roles.
std::string roles_text(const core::GangSpec& gang);

/// Fails if the point's recipe has roles and the public one has no workers, a number is missing (gang_spec), or the
/// processes cannot be laid out on nodes of the point's hardware.
Expected<void> check_gang(const profile::Profile& profile, const Point& point);

}  // namespace sweep
