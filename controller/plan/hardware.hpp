// Whether the hardware that a point names, its runner type, is that of the node on which it would run. Pure.
//
// Rules: a result must not be labelled with hardware that it was not measured on. A GPU type that is not known
// contradicts nothing. What the driver reports about the agent's own GPUs counts before Slurm's GRES types,
// which are those of the whole node. The section of a runner in the profile that lists `gpus` has the last word.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/plan/plan.hpp"

namespace sweep {

/// Returns the model that the name of a GPU or of a runner type contains, in lower case: "h200" for "NVIDIA
/// H200", "nvidia_h200" and "h200-trt"; "mi300x" for "AMD Instinct MI300X". "" if there is none.
std::string gpu_model(std::string_view name);

/// Returns what is known of the hardware of an agent on this node.
core::Hardware hardware_of(const profile::Profile& profile, const profile::NodeTraits& node);

/// Returns true if the node's GPUs are known and are not those of the runner type.
bool contradicts(const profile::Profile& profile, const std::string& runner, const profile::NodeTraits& node);

/// Returns the runners (core::PointSpec::runner) of the plan's points that the node serves; std::nullopt: all.
std::optional<std::vector<std::string>> served_by(const Plan& plan, const profile::NodeTraits& node);

/// True if agents have to report the type of their GPUs, because a point names a hardware type.
bool asks_gpus(const Plan& plan);

/// Fails if the points name several hardware types and the profile does not say which nodes have which.
/// `selection`: the options that selected the points, for the message; std::nullopt: points cannot be selected,
/// because the sweep is resumed with its own matrix.
Expected<void> check_hardware(const Plan& plan, const std::optional<std::string>& selection);

/// Returns where a result's `hw` comes from: "nvml", "gres", "runners" (of the profile) or "matrix".
std::string hardware_source(const Plan& plan, const core::State& state, const core::AttemptRef& ref);

}  // namespace sweep
