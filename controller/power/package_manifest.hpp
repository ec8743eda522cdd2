// The manifest of a dcgm-power package: who recorded it, and which GPUs and windows it should contain. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "util/error.hpp"

namespace sweep::power {

/// A GPU by its host's name and its index there.
using DeviceKey = std::pair<std::string, std::int64_t>;

struct Assignment {
  std::string role;                       // prefill, decode or agg
  std::optional<std::int64_t> het_group;  // of a heterogeneous Slurm job
};

struct ExpectedDevice {
  DeviceKey key;
  std::vector<Assignment> assignments;  // at least one
};

/// A window by its benchmark's type and its concurrency.
using WindowKey = std::pair<std::string, std::int64_t>;

struct ExpectedParts {
  std::vector<ExpectedDevice> devices;
  std::vector<WindowKey> windows;
};

/// Reads expected_devices and expected_windows. The error is Python's repr() of what the recorded tool raises:
/// KeyError('worker_role').
Expected<ExpectedParts> expected_parts(const nlohmann::ordered_json& manifest);

/// Returns what is wrong with the other fields of a manifest, in order.
std::vector<std::string> manifest_failures(const nlohmann::ordered_json& manifest);

/// The role of each device; empty, with a reason, if a device has two.
struct DeviceRoles {
  std::map<DeviceKey, std::string> roles;
  bool conflict = false;
};
DeviceRoles device_roles(const std::vector<ExpectedDevice>& devices);

/// The het group of each host; empty if a host has two.
struct HostGroups {
  std::map<std::string, std::optional<std::int64_t>> groups;
  bool conflict = false;
};
HostGroups host_groups(const std::vector<ExpectedDevice>& devices);

/// Returns how the devices' roles differ from `expected`, the number of GPUs of each role, and which het groups
/// are not as they should be.
std::vector<std::string> topology_failures(const std::vector<ExpectedDevice>& devices,
                                           const DeviceRoles& roles,
                                           const std::map<std::string, std::int64_t>& expected);

}  // namespace sweep::power
