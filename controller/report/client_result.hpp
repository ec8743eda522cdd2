// What a serving client's result (benchmark_serving's JSON) must contain, and what is computed from its
// times. The records of both generations (process_result.hpp, inferencex_record.hpp) and the sweep's own
// check of a result use these functions, so that all agree. Pure.
//
// Unlike the Python tools, a statistic that is not a number omits only its own keys, and a TPOT statistic of
// 0 (the standard deviation of a single request) only its interactivity; the tools fail and lose the point.
// Like the Python tools, every key that ends in "ms" counts as milliseconds, even `items`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "util/error.hpp"
#include "util/json.hpp"

namespace sweep::report {

/// The values without which there is no record.
struct RequiredValues {
  std::int64_t conc = 0;         // int(max_concurrency)
  nlohmann::ordered_json model;  // model_id, as it is
  double total = 0, output = 0;  // throughputs, in tokens per second
};

/// Returns the serving client's result in `bytes`: its keys in order, with empty inner lists and objects.
/// Fails if `bytes` is not a JSON object.
Expected<nlohmann::ordered_json> read_result(std::string_view bytes);

/// Returns the values that every record needs. The message names the key that is missing or not a number.
Expected<RequiredValues> required_values(const nlohmann::ordered_json& result);

/// Appends the client's statistics to `record`, converted from milliseconds to seconds, and for each TPOT its
/// interactivity in tokens per second and user: 1000 / tpot. A key that `record` has already is overwritten.
void add_statistics(const nlohmann::ordered_json& result, nlohmann::ordered_json& record);

/// Returns a line that names the statistics that add_statistics() omits, with their values; "" if none.
std::string omitted_statistics(const nlohmann::ordered_json& result);

/// Returns the serving client's result in `bytes` like read_result(). It must have what required_values()
/// needs. Fails also if a value that it contains cannot be true: no request completed, a negative or infinite
/// time. The message names the missing or invalid key. Safe on untrusted input.
Expected<nlohmann::ordered_json> check_result(std::string_view bytes);

/// Returns a line that names the times which a result lacks and how to get them; "" if it has all that tables
/// and plots show.
std::string missing_statistics(const nlohmann::ordered_json& result);

}  // namespace sweep::report
