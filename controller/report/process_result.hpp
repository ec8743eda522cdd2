// Turns one result of the serving client (benchmark_serving's JSON) into a processed result (`process_result`
// in the contract, section 4). Pure.
//
// Unlike the Python tool, it omits only the interactivity key of a tpot statistic that is 0 (the standard
// deviation of a single request) or not a number, instead of failing, and reports a GPU count of 0 as an
// error that names the variable. Like the Python tool, it takes every key that ends in "ms" for milliseconds,
// even `items`.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "util/error.hpp"

namespace sweep::report {

/// The environment variables that the Python tool reads, unparsed; std::nullopt if not set.
struct ResultContext {
  std::string result_filename;                      // RESULT_FILENAME; used by callers for file names
  std::optional<std::string> runner_type;           // RUNNER_TYPE, the result's hw
  std::optional<std::string> framework, precision;  // FRAMEWORK, PRECISION
  std::optional<std::string> tp, ep;                // TP, EP_SIZE
  std::optional<std::string> dp_attention;          // DP_ATTENTION
  std::string mtp_mode;                             // MTP_MODE; empty: no mtp key
  std::string prefill_gpus, decode_gpus;            // PREFILL_GPUS, DECODE_GPUS; empty: TP
};

/// Returns the processed result with its keys in the contract's order. Throughputs are in tokens per second
/// and GPU, times in seconds. A result of a stand-in (stand_in.hpp) also has the key `stand_in`, the last
/// one. Fails if a required variable or key is missing or not a number; the message names it.
///
/// Formulas (contract, section 4): tput_per_gpu = total_token_throughput / TP, output_tput_per_gpu =
/// output_throughput / DECODE_GPUS, input_tput_per_gpu = (total - output) / PREFILL_GPUS, intvty = 1000 /
/// tpot in milliseconds.
Expected<nlohmann::ordered_json> process_result(const ResultContext& context, std::string_view result_json);
/// The same for a result that check_result returned.
Expected<nlohmann::ordered_json> process_checked(const ResultContext& context,
                                                 const nlohmann::ordered_json& result);

/// Returns the serving client's result in `bytes`: its keys in order, with empty inner lists and objects. It
/// has to contain what process_result() needs. Fails also if a value that it contains cannot be true: no
/// request completed, a negative or infinite time. The message names the missing or invalid key. Safe on
/// untrusted input.
Expected<nlohmann::ordered_json> check_result(std::string_view bytes);

/// Returns a line that names the times which a result lacks and how to get them; "" if it has all that tables
/// and plots show.
std::string missing_statistics(const nlohmann::ordered_json& result);

/// Returns `directory/agg_name.json` for the result file name `directory/name`. (The Python tool prefixes
/// agg_ to the whole path and therefore names a directory that does not exist.)
std::string agg_path(std::string_view result_filename);

}  // namespace sweep::report
