// Marks results that were not measured on the hardware that they name. The CPU stand-in benchmark and the
// simulated server are for trying out a sweep; their results must not be mistaken for those of a GPU. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>

#include "controller/report/row.hpp"

namespace sweep::report {

/// The key of a processed result that names the stand-in.
constexpr const char* kStandInKey = "stand_in";
/// The name of the stand-in if a simulated server was used; also a key of such a result.
constexpr const char* kSimulated = "simulated";

/// Returns the stand-in ("cpu", "simulated") of a client's result or a processed result; std::nullopt if it
/// is from real hardware. It is from a stand-in if `hw` or `hardware` is cpu, or if `stand_in` or `simulated`
/// is true, a non-empty text or a number other than 0.
std::optional<std::string> stand_in(const nlohmann::ordered_json& document);

/// Marks a processed result or a JSON row: `stand_in: WHAT`, and for a simulation also `simulated: true`.
void mark_stand_in(nlohmann::ordered_json& out, const std::string& what);

/// Returns a warning line with the number of `rows` from a stand-in and the hardware that they name; "" if
/// there are none.
std::string stand_in_note(std::span<const Row* const> rows);

}  // namespace sweep::report
