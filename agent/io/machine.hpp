// What the agent asks this machine: a free port, its GPU devices, a result file.
#pragma once

#include <string>
#include <vector>

#include "agent/core/actions.hpp"
#include "util/error.hpp"

namespace sweep::agent {

/// A TCP port that nothing listens on and that is none of `in_use`. Fails with the reason.
Expected<int> free_port(const std::vector<int>& in_use);

/// "Linux 6.1.0-18-amd64".
std::string kernel_name();

/// The names in /dev.
std::vector<std::string> device_names();

/// The stamp of what is at `path`; nothing when nothing is.
std::optional<FileStamp> stamp_of(const std::string& path);

/// The result file at `path`, whatever state it is in.
ResultRead read_result(const AttemptRef& ref, const std::string& path);

/// Deletes the file, unless its stamp is another one.
void remove_if_unchanged(const std::string& path, const FileStamp& stamp);

}  // namespace sweep::agent
