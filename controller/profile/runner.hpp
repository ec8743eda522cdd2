// The `runners` section: which nodes serve which of InferenceMAX's runner types.
#pragma once

#include <string>
#include <vector>

#include "controller/profile/profile.hpp"
#include "controller/profile/reader.hpp"

namespace sweep::profile {

/// What an agent reports about its node.
struct NodeTraits {
  std::string node, partition;
  std::vector<std::string> features, gpu_types;
  std::vector<std::string> gpu_names = {};  // of the agent's own GPUs, by the driver
};

/// Reads a `runners` section into `runners`; its keys override those of runners that are already in the list.
void read_runners(Reader& in, const yaml::Value& node, std::vector<Runner>& runners);

/// Returns the runner of a point: the one with exactly this name, else the first whose pattern matches;
/// nullptr if there is none.
const Runner* runner_of(const Profile& profile, const std::string& runner);

/// Returns true if the node has everything that the runner requires. Two names of GPU types match if one
/// contains the other, regardless of case.
bool serves(const Runner& runner, const NodeTraits& node);

}  // namespace sweep::profile
