#include "controller/power/package_manifest.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "controller/python/repr.hpp"
#include "controller/python/text.hpp"
#include "controller/python/value.hpp"
#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep::power {

namespace {

using Json = nlohmann::ordered_json;

// --- the fields of a manifest

const Json& field(const Json& object, const std::string& key) {
  static const Json kNone;
  const Json* found = python::member(object, key);
  return found == nullptr ? kNone : *found;
}

bool is_finite_number(const Json& value) {
  return value.is_number() && std::isfinite(value.get<double>());
}

bool is_whole(const Json& value, std::int64_t least) {
  return value.is_number_integer() && (value.is_number_unsigned() || value.get<std::int64_t>() >= least) &&
         value.get<double>() >= static_cast<double>(least);
}

void check_constants(const Json& manifest, std::vector<std::string>& failures) {
  const std::pair<const char*, Json> wanted[] = {{"schema_version", 1},
                                                 {"producer", "srt-slurm.dcgm-power"},
                                                 {"source_metric", "DCGM_FI_DEV_POWER_USAGE"},
                                                 {"unit", "W"},
                                                 {"power_scope", "gpu_device_board_as_reported_by_dcgm"},
                                                 {"timestamp_source", "head_node_unix_clock"},
                                                 {"status", "complete"}};
  for (const auto& [key, value] : wanted) {
    if (!python::equal(field(manifest, key), value))
      failures.push_back(std::string(key) + " is " + python::repr_of(field(manifest, key)) + ", expected " +
                         python::repr_of(value));
  }
}

void check_numbers(const Json& manifest, std::vector<std::string>& failures) {
  if (!is_finite_number(field(manifest, "started_at_unix")))
    failures.emplace_back("started_at_unix is not a finite number");
  if (!is_finite_number(field(manifest, "stopped_at_unix")))
    failures.emplace_back("stopped_at_unix is not finite in a terminal manifest");
  for (const char* key : {"sample_interval_seconds", "request_timeout_seconds"}) {
    const Json& value = field(manifest, key);
    if (!is_finite_number(value) || value.get<double>() <= 0)
      failures.push_back(std::string(key) + " is not finite and positive");
  }
  for (const char* key : {"scrape_count", "sample_row_count"}) {
    if (!is_whole(field(manifest, key), 0))
      failures.push_back(std::string(key) + " is not a non-negative integer");
  }
}

void check_reason_codes(const Json& manifest, std::vector<std::string>& failures) {
  const Json& codes = field(manifest, "reason_codes");
  const auto is_text = [](const Json& code) { return code.is_string(); };
  if (!codes.is_array() || !std::all_of(codes.begin(), codes.end(), is_text)) {
    failures.emplace_back("reason_codes is not a list of strings");
    return;
  }
  std::set<std::string> blocking = {"exporter_exited", "collector_exception", "collector_interrupted",
                                    "collector_join_timeout", "benchmark_child_reap_timeout"};
  const Json& required = field(manifest, "required");
  if (required.is_boolean() && required.get<bool>())
    blocking.insert({"exporter_startup_timeout", "exporter_launch_failed", "endpoint_resolution_failed"});
  std::set<std::string> found;
  for (const Json& code : codes) {
    if (blocking.count(code.get<std::string>()) != 0) found.insert(code.get<std::string>());
  }
  if (!found.empty())
    failures.push_back("complete manifest carries lifecycle-failure reasons: " +
                       join(std::vector<std::string>(found.begin(), found.end()), ", "));
}

// --- the expected devices and windows

tl::unexpected<Error> raised(const char* type, const std::string& message) {
  return fail(std::string(type) + "(" + python::repr_of(message) + ")");
}

// Returns value[key] for a text `key`.
Expected<const Json*> item(const Json& value, const std::string& key) {
  if (value.is_object()) {
    if (const Json* found = python::member(value, key)) return found;
    return raised("KeyError", key);
  }
  if (value.is_string()) return raised("TypeError", "string indices must be integers, not 'str'");
  if (value.is_array()) return raised("TypeError", "list indices must be integers or slices, not str");
  return raised("TypeError",
                "'" + std::string(python::type_name_of(value)) + "' object is not subscriptable");
}

Expected<std::int64_t> whole_item(const Json& value, const std::string& key, std::int64_t least) {
  SWEEP_ASSIGN(const Json* const found, item(value, key));
  if (is_whole(*found, least) && found->get<double>() < 9e18) return found->get<std::int64_t>();
  return raised("ValueError",
                key + " is not an integer >= " + std::to_string(least) + ": " + python::repr_of(*found));
}

Expected<std::string> text_item(const Json& value, const std::string& key) {
  SWEEP_ASSIGN(const Json* const found, item(value, key));
  if (found->is_string() && !found->get_ref<const std::string&>().empty()) return found->get<std::string>();
  return raised("ValueError", key + " is not a non-empty string: " + python::repr_of(*found));
}

Expected<Assignment> assignment_of(const Json& value) {
  SWEEP_ASSIGN(const Json* const role, item(value, "worker_role"));
  if (*role != "prefill" && *role != "decode" && *role != "agg")
    return raised("ValueError",
                  "worker_role is not one of ('prefill', 'decode', 'agg'): " + python::repr_of(*role));
  SWEEP_TRY(whole_item(value, "worker_index", 0));
  SWEEP_TRY(whole_item(value, "worker_process", 0));
  Assignment out{role->get<std::string>(), std::nullopt};
  if (field(value, "het_group").is_null()) return out;
  SWEEP_ASSIGN(out.het_group, whole_item(value, "het_group", 0));
  return out;
}

Expected<ExpectedDevice> device_of(const Json& entry) {
  if (!entry.is_object())
    return raised("AttributeError",
                  "'" + std::string(python::type_name_of(entry)) + "' object has no attribute 'get'");
  const Json& given = field(entry, "assignments");
  const Json assignments = python::truth_of(given) ? given : Json::array();
  if (!assignments.is_array() || assignments.empty())
    return raised("ValueError", "assignments is not a non-empty list: " + python::repr_of(assignments));
  ExpectedDevice out;
  for (const Json& value : assignments) {
    SWEEP_ASSIGN(out.assignments.emplace_back(), assignment_of(value));
  }
  SWEEP_ASSIGN(out.key.first, text_item(entry, "hostname"));
  SWEEP_ASSIGN(out.key.second, whole_item(entry, "gpu_index", 0));
  return out;
}

// Returns the list at `key`; an empty one if the value is false for Python.
Expected<Json> entries_of(const Json& manifest, const std::string& key) {
  const Json& entries = field(manifest, key);
  if (!python::truth_of(entries)) return Json::array();
  if (!entries.is_array()) return raised("TypeError", key + " is not a list: " + python::repr_of(entries));
  return entries;
}

// Returns the only value that `value_of` has for the assignments; std::nullopt if there are several.
template <class Value, class ValueOf>
std::optional<Value> common_value(const ExpectedDevice& device, ValueOf value_of) {
  const Value first = value_of(device.assignments.front());
  for (const Assignment& assignment : device.assignments) {
    if (value_of(assignment) != first) return std::nullopt;
  }
  return first;
}

using Group = std::optional<std::int64_t>;

std::string group_text(const Group& group) {
  return group ? std::to_string(*group) : "None";
}

void check_groups(const std::map<std::string, std::set<Group>>& by_role, bool any_group,
                  std::vector<std::string>& failures) {
  std::vector<std::int64_t> assigned;
  for (const auto& [role, groups] : by_role) {
    if (groups.size() != 1) {
      std::vector<std::string> texts;
      for (const Group& group : groups)
        texts.push_back(group_text(group));
      std::sort(texts.begin(), texts.end());
      failures.push_back("role " + role + " spans het groups [" + join(texts, ", ") +
                         "], expected exactly one");
    } else if (const Group& group = *groups.begin(); group) {
      assigned.push_back(*group);
    } else if (any_group) {
      failures.push_back("role " + role + " has het group None while other devices report real het groups");
    }
  }
  if (std::set<std::int64_t>(assigned.begin(), assigned.end()).size() != assigned.size())
    failures.emplace_back("roles share a het group");
}

std::vector<std::string> names_of(const std::map<std::string, std::int64_t>& counts) {
  std::vector<std::string> out;
  for (const auto& [name, count] : counts)
    out.push_back(name);
  return out;
}

}  // namespace

std::vector<std::string> manifest_failures(const Json& manifest) {
  std::vector<std::string> failures;
  check_constants(manifest, failures);
  check_numbers(manifest, failures);
  if (const Json& required = field(manifest, "required"); !required.is_boolean())
    failures.push_back("required is " + python::repr_of(required) + ", expected a boolean");
  check_reason_codes(manifest, failures);
  const Json& exporter = field(manifest, "dcgm_exporter");
  if (!exporter.is_object()) {
    failures.emplace_back("dcgm_exporter is not an object");
  } else if (!python::truth_of(field(exporter, "container_image_resolved"))) {
    failures.emplace_back("dcgm_exporter.container_image_resolved is empty");
  }
  return failures;
}

Expected<ExpectedParts> expected_parts(const Json& manifest) {
  ExpectedParts out;
  SWEEP_ASSIGN(const Json devices, entries_of(manifest, "expected_devices"));
  for (const Json& entry : devices) {
    SWEEP_ASSIGN(out.devices.emplace_back(), device_of(entry));
  }
  SWEEP_ASSIGN(const Json windows, entries_of(manifest, "expected_windows"));
  for (const Json& entry : windows) {
    SWEEP_ASSIGN(std::string type, text_item(entry, "benchmark_type"));
    SWEEP_ASSIGN(const std::int64_t concurrency, whole_item(entry, "concurrency", 1));
    out.windows.emplace_back(std::move(type), concurrency);
  }
  return out;
}

DeviceRoles device_roles(const std::vector<ExpectedDevice>& devices) {
  DeviceRoles out;
  for (const ExpectedDevice& device : devices) {
    const auto role = common_value<std::string>(device, [](const Assignment& a) { return a.role; });
    if (!role) return {{}, true};
    out.roles[device.key] = *role;
  }
  return out;
}

HostGroups host_groups(const std::vector<ExpectedDevice>& devices) {
  HostGroups out;
  for (const ExpectedDevice& device : devices) {
    const auto group = common_value<Group>(device, [](const Assignment& a) { return a.het_group; });
    if (!group) return {{}, true};
    const auto [host, added] = out.groups.emplace(device.key.first, *group);
    if (!added && host->second != *group) return {{}, true};
  }
  return out;
}

std::vector<std::string> topology_failures(const std::vector<ExpectedDevice>& devices,
                                           const DeviceRoles& roles,
                                           const std::map<std::string, std::int64_t>& expected) {
  std::vector<std::string> failures;
  std::map<std::string, std::int64_t> counts;
  for (const auto& [key, role] : roles.roles)
    ++counts[role];
  if (names_of(counts) != names_of(expected))
    failures.push_back("expected roles " + python::list(names_of(expected)) + ", found " +
                       python::list(names_of(counts)));
  for (const auto& [role, count] : expected) {
    const auto found = counts.find(role);
    const std::int64_t actual = found == counts.end() ? 0 : found->second;
    if (actual != count)
      failures.push_back("expected " + std::to_string(count) + " " + role + " GPUs, found " +
                         std::to_string(actual));
  }
  const HostGroups hosts = host_groups(devices);
  if (hosts.conflict) {
    failures.emplace_back("conflicting_het_groups (topology)");
    return failures;
  }
  std::map<std::string, std::set<Group>> by_role;
  for (const ExpectedDevice& device : devices) {
    const auto role = roles.roles.find(device.key);
    if (role != roles.roles.end()) by_role[role->second].insert(hosts.groups.at(device.key.first));
  }
  const bool any_group = std::any_of(hosts.groups.begin(), hosts.groups.end(),
                                     [](const auto& host) { return host.second.has_value(); });
  check_groups(by_role, any_group, failures);
  return failures;
}

}  // namespace sweep::power
