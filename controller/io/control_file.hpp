// How to reach the controller of a sweep that is running: a file in the output directory, for its owner
// alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "proto/base/error.hpp"

namespace sweep {

struct ControlFile {
  std::string host;
  std::int64_t pid = 0;
  std::string endpoint;       // as seen from other machines
  std::string server_key;     // Z85
  std::string client_secret;  // Z85
};

/// Writes it with mode 0600. Fails, naming the path and the reason.
Expected<void> write_control_file(const std::string& directory, const ControlFile& control);

/// Nothing when there is none. Fails when it is there and cannot be read, or others may read it.
Expected<std::optional<ControlFile>> read_control_file(const std::string& directory);

void remove_control_file(const std::string& directory);

}  // namespace sweep
