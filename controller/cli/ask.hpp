// A person's question to the live controller of a sweep: what status and cancel share.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "controller/io/control_file.hpp"
#include "proto/wire/messages.hpp"
#include "util/error.hpp"

namespace sweep::cli {

using Status = nlohmann::ordered_json;

/// The controller that may be live: nothing when there is no control file, or its process was one of this
/// machine's and is no more. Fails where the file cannot be trusted, or read.
Expected<std::optional<ControlFile>> find_controller(const std::string& directory);

/// Asks it `question`, with a credential of its own where munge is there, and returns the sweep's status;
/// nothing when it does not answer within some seconds. Fails with its words, where it refuses.
Expected<std::optional<Status>> ask_controller(const ControlFile& control, wire::StatusRequest question);
Expected<std::optional<Status>> ask_controller(const ControlFile& control, wire::StopRequest question);

/// "host1, pid 77".
std::string name_of(const ControlFile& control);

}  // namespace sweep::cli
