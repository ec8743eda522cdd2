// What the aggregations of power read and write. The only part of power/ that uses files and this machine's time
// zone.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "controller/power/benchmark.hpp"
#include "controller/power/csv_rows.hpp"
#include "controller/power/metrics.hpp"
#include "util/error.hpp"

namespace sweep::power {

/// Returns how many seconds local time (TZ, or the machine's setting) is ahead of UTC at a time in seconds since
/// 1970.
std::int64_t local_offset(std::int64_t unix);

/// Returns whether `path` is a regular file or a link to one; `size` is then its size in bytes.
bool is_file(const std::string& path, std::uint64_t* size = nullptr);
/// Returns whether `path` is a directory or a link to one.
bool is_directory(const std::string& path);

/// Reads a CSV file in pieces. Fails if it cannot be read or has a field that Python's csv module rejects.
Expected<void> read_csv(const std::string& path, CsvRows::Blanks blanks, const CsvRows::Take& take);

/// Reads the top level of a client's result; a file that cannot be read is a reason.
BenchmarkReading read_benchmark_file(const std::string& path);

/// Why power could not be written into a processed result.
struct PatchFailure {
  std::string reason;  // as in the contract
  std::string detail;
};

/// Reads a JSON file. If it is not JSON, the error is in the words of Python's json module.
Expected<nlohmann::ordered_json> read_json_document(const std::string& path);

/// Writes power into the processed result at `path`. Returns what failed; std::nullopt if nothing did. `tool`: the
/// name in front of the lines added to `err`.
std::optional<PatchFailure> patch_result_file(const std::string& path, bool valid, const Metrics& metrics,
                                              Roles roles, const std::string& tool, std::string& err);

/// Writes a JSON file whole, as json.dumps with indent 2 does; its folder is made if it does not exist.
Expected<void> write_json_file(const std::string& path, const nlohmann::ordered_json& document);

}  // namespace sweep::power
