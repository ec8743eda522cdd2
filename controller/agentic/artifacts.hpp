// The files of an agentic run. The only part of agentic/ that reads directories and large files.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "controller/agentic/environment.hpp"
#include "controller/agentic/records.hpp"
#include "controller/agentic/server_metrics.hpp"
#include "util/error.hpp"

namespace sweep::agentic {

/// Returns `folder`, or its first subfolder that has the file `name` if the folder itself does not. Returns
/// `folder` if neither has it.
std::string folder_with(const std::string& folder, const std::string& name);

/// Reads profile_export.jsonl line by line.
Expected<Records> read_records(const std::string& path);

/// Reads a JSON file. The message of an error names it.
Expected<nlohmann::ordered_json> read_json_file(const std::string& path);

/// Reads server_metrics_export.json without the values of each second.
Expected<nlohmann::ordered_json> read_server_metrics(const std::string& path);

/// Returns the size of the KV cache, in tokens, in server.log and watchtower-*.out of `result_dir` and of up to
/// three folders above it; std::nullopt if no log has it.
std::optional<std::int64_t> capacity_in_logs(const std::string& result_dir, Adapter adapter);

/// Returns the expected output lengths of the requests, from the trace set in the Hugging Face cache; empty if it
/// is not there.
std::vector<std::int64_t> expected_lengths(const Records& records, const Variables& variables);

}  // namespace sweep::agentic
