// Results that were not measured on the hardware they are filed under: the CPU stand-in benchmark and the
// simulated server exist to try a sweep out, and nobody may take their numbers for a GPU's. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>

#include "controller/report/row.hpp"

namespace sweep::report {

/// The key under which process_result passes the remark on.
constexpr const char* kStandInKey = "stand_in";
/// What stood in when a server simulated it, and the key that says so.
constexpr const char* kSimulated = "simulated";

/// What stood in for the hardware ("cpu", "simulated") when a client's result or a processed one says so: its
/// hw or hardware is cpu, or it has a true, non-empty or non-zero `stand_in` or `simulated`. Nothing
/// otherwise.
std::optional<std::string> stand_in(const nlohmann::ordered_json& document);

/// Says so in a processed result or a row of JSON: `stand_in: WHAT`, and `simulated: true` for a simulation.
void mark_stand_in(nlohmann::ordered_json& out, const std::string& what);

/// A line on how many of `rows` measured a stand-in, for numbers of one must not be read as those of the
/// hardware they are filed under. Empty when none did.
std::string stand_in_note(std::span<const Row* const> rows);

}  // namespace sweep::report
