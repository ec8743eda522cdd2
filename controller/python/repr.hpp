// Compares and prints JSON values as Python does, for the texts of failures. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace sweep::python {

/// Returns repr_of(value): 'x', None, True, 1.5, [1, 2], {'a': 1}.
std::string repr_of(const nlohmann::ordered_json& value);

/// Returns the name of the value's type: str, int, float, bool, list, dict, NoneType.
const char* type_name_of(const nlohmann::ordered_json& value);

/// Returns a == b: 1, 1.0 and true are equal, and the order of an object's keys does not count.
bool equal(const nlohmann::ordered_json& a, const nlohmann::ordered_json& b);

/// Returns json.dumps(value, sort_keys=True): equal texts mean equal contents.
std::string canonical_json(const nlohmann::ordered_json& value);

}  // namespace sweep::python
