// Converts JSON values as Python's float(), int(), str() and bool() do, for files that Python's tools wrote
// or would have read. Pure.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

namespace sweep::python {

/// Returns float(value) of a number, a bool or a text; std::nullopt if Python would raise an exception.
std::optional<double> float_of(const nlohmann::ordered_json& value);

/// Returns int(value) of a number, a bool or a text: a float loses its fraction. Returns std::nullopt if
/// Python would raise an exception, or if the value does not fit into 64 bits.
std::optional<std::int64_t> int_of(const nlohmann::ordered_json& value);

/// Returns str(value): a text unchanged, None, True, 4, 0.1; a list or object as one line of JSON.
std::string str_of(const nlohmann::ordered_json& value);

/// Returns bool(value): false for null, false, 0, "" and an empty list or object.
bool truth_of(const nlohmann::ordered_json& value);

/// Returns `dict[key]`; nullptr if `dict` is not an object or has no such key.
const nlohmann::ordered_json* member(const nlohmann::ordered_json& dict, const std::string& key);

/// Returns `dict[key]` if it is a finite number, else std::nullopt.
std::optional<double> finite_member(const nlohmann::ordered_json& dict, const std::string& key);

/// Returns the value for an error message: a scalar as JSON, clipped and printable; "a list" or "an object".
std::string shown_value(const nlohmann::ordered_json& value);

}  // namespace sweep::python
