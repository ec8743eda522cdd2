// Adds priorities to the jobs of a matrix. Contract of 2026, section 6. Pure.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>

#include "controller/ci/priority_policy.hpp"
#include "util/error.hpp"

namespace sweep::ci {

/// What is known of the event that starts the jobs.
struct PriorityContext {
  std::string event = {};
  std::set<std::string> labels = {};
  std::string queue_namespace = "local";
  std::optional<std::int64_t> pr_number = {};
  std::optional<std::set<std::string>> criteria = {};  // the only facts that count; std::nullopt: all
};

/// Returns the score of one job with three decimals. Fails if the context has a criterion that the policy
/// does not know.
Expected<std::string> priority_of(const nlohmann::ordered_json& job, const PriorityPolicy& policy,
                                  const PriorityContext& context);

/// Returns a copy of `matrix` in which every object with the keys `runner` and `framework` has priority,
/// queue-token and, for a pull request that may skip the queue, skip-queue-pr. Fails as priority_of does.
Expected<nlohmann::ordered_json> with_priorities(const nlohmann::ordered_json& matrix,
                                                 const PriorityPolicy& policy,
                                                 const PriorityContext& context);

}  // namespace sweep::ci
