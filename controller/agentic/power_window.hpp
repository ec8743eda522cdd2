// The measured window of an agentic run, for power: aiperf's summary has its times, the requests its counts. Pure.
#pragma once

#include <optional>
#include <string>

#include "controller/agentic/records.hpp"
#include "util/json.hpp"

namespace sweep::agentic {

/// The window in the form of a serving client's result, or the reason why there is none.
struct PowerWindow {
  nlohmann::ordered_json json;  // null without a window
  std::string reason;           // as in the contract; "" with a window
  std::string note;             // the value behind the reason
};

/// Returns the window from `summary` (profile_export_aiperf.json). `zone`: the content of
/// agentic_power_timezone_offset.txt, which times without a zone need; std::nullopt if it does not exist.
PowerWindow power_window(const nlohmann::ordered_json& summary, const Records& records,
                         const std::optional<std::string>& zone);

}  // namespace sweep::agentic
