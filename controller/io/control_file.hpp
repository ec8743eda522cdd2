// sweep.control in the output directory: how to reach the controller of a running sweep, and what another
// controller needs to take over if it dies.
//
// Rule: it holds secrets. It is written with mode 0600, and refused if others can read it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "util/error.hpp"
#include "util/json.hpp"

namespace sweep {

struct ControlFile {
  std::string host;
  std::int64_t pid = 0;
  std::string endpoint;       // as seen from other machines
  std::string server_key;     // Z85
  std::string client_secret;  // Z85
  std::string server_secret;  // Z85
  nlohmann::json profile;     // profile/record.hpp
};

/// Writes it with mode 0600. Fails, naming the path and the reason.
Expected<void> write_control_file(const std::string& directory, const ControlFile& control);

/// Returns std::nullopt if there is none. Fails if the file cannot be read, belongs to another user, or can
/// be read by others.
Expected<std::optional<ControlFile>> read_control_file(const std::string& directory);

void remove_control_file(const std::string& directory);

}  // namespace sweep
