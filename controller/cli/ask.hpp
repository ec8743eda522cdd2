// Requests to the live controller of a sweep, for status and cancel.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "controller/io/control_file.hpp"
#include "proto/wire/messages.hpp"
#include "util/error.hpp"

namespace sweep::cli {

using Status = nlohmann::ordered_json;

/// Returns the control file of the controller that may be live; std::nullopt if there is none, or if its
/// process ran on this machine and has ended. Fails if the file cannot be read or trusted.
Expected<std::optional<ControlFile>> find_controller(const std::string& directory);

/// Sends `request`, with a munge credential if munge works, and returns the sweep's status; std::nullopt if
/// the controller does not answer within some seconds. Fails with the controller's reason if it refuses.
Expected<std::optional<Status>> ask_controller(const ControlFile& control, wire::StatusRequest request);
Expected<std::optional<Status>> ask_controller(const ControlFile& control, wire::StopRequest request);

}  // namespace sweep::cli
