// Reads the policy by which jobs get their priority: configs/ci-priority.yaml of InferenceX. Pure.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/ci/decimal_score.hpp"
#include "util/error.hpp"

namespace sweep::ci {

/// Adjustments by name, in the order of the file.
using Adjustments = std::vector<std::pair<std::string, DecimalScore>>;

struct PriorityPolicy {
  DecimalScore base_score;
  Adjustments event, precision, spec_decoding, framework_prefix, model_prefix;
  DecimalScore multi_node, agentic, eval_only;
  std::string skip_queue;  // the label; "": the policy has none
  std::set<std::string> checklist_names, patchwork_names, waiver_names;
  DecimalScore checklist_adjustment, patchwork_score;
};

/// Returns the policy in the YAML text `bytes` of `file`. Fails with FILE:LINE.
Expected<PriorityPolicy> read_policy(std::string_view bytes, const std::string& file);

/// Returns the names of all facts of which the policy knows: "multi-node", …, and its own names.
std::set<std::string> known_criteria(const PriorityPolicy& policy);

}  // namespace sweep::ci
