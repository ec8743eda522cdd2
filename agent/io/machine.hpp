// What the agent needs from this machine: a free port, its GPU devices, result files.
#pragma once

#include <sys/stat.h>

#include <string>
#include <vector>

#include "agent/core/actions.hpp"
#include "util/error.hpp"

namespace sweep::agent {

/// Returns a TCP port on which nothing listens and that is not in `in_use`. Fails with the reason.
Expected<int> free_port(const std::vector<int>& in_use);

/// Returns "Linux 6.1.0-18-amd64".
std::string kernel_name();

/// Returns the names in /dev.
std::vector<std::string> device_names();

/// Returns the stamp of a file with these properties.
FileStamp stamp_from(const struct stat& info);

/// Returns the stamp of the file at `path`; std::nullopt if it does not exist.
std::optional<FileStamp> stamp_of(const std::string& path);

/// Returns why a benchmark could not leave its result at `result_path`, because its folder is not writable; ""
/// if it could, or if there is no such folder.
std::string result_folder_problem(const std::string& result_path);

/// Returns the result file at `path`, or why it cannot be read.
ResultRead read_result(const AttemptRef& ref, const std::string& path);

/// Deletes the file if it still has this stamp.
void remove_if_unchanged(const std::string& path, const FileStamp& stamp);

}  // namespace sweep::agent
