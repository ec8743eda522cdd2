// What bench_aggregate has its commands read, and what reading it costs at least.
#pragma once

#include <cstddef>
#include <string>

#include "util/error.hpp"

namespace sweep::bench {

/// Writes `count` processed results into `folder`, as `sweepctl process-result` writes them: 4 hardware types
/// x 2 frameworks x 2 precisions of one model, the rest by tensor parallelism, concurrency and lengths; of
/// the client's latencies mean, median, deviation and 9 percentiles. The same files every time. Returns their
/// bytes.
Expected<std::size_t> write_results(const std::string& folder, std::size_t count);

enum class Floor { Read, Parse };

/// Opens, reads and closes every file of `folder` in the order of their names and, for Parse, has
/// nlohmann::json parse each. Returns how many there were.
Expected<std::size_t> read_results(const std::string& folder, Floor floor);

}  // namespace sweep::bench
