// The files that bench_aggregate's commands read, and the minimum cost of reading them.
#pragma once

#include <cstddef>
#include <string>

#include "util/error.hpp"

namespace sweep::bench {

/// Writes `count` processed results to `folder`, as `sweepctl process-result` writes them: 4 hardware types x
/// 2 frameworks x 2 precisions of one model, the others vary in tensor parallelism, concurrency and lengths.
/// The client's latencies have mean, median, deviation and 9 percentiles. The files are the same every time.
/// Returns their total size in bytes.
Expected<std::size_t> write_results(const std::string& folder, std::size_t count);

enum class Floor { Read, Parse };

/// Opens, reads and closes every file in `folder` in order of name and, for Parse, parses each with
/// nlohmann::json. Returns the number of files.
Expected<std::size_t> read_results(const std::string& folder, Floor floor);

}  // namespace sweep::bench
