// Turns one result of the serving client (benchmark_serving's JSON) into a processed result of InferenceMAX
// (November 2025; inferencex_record.hpp has that of InferenceX). Pure.
//
// Unlike the Python tool, it reports a GPU count of 0 as an error that names the variable.
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

/// Returns `directory/agg_name.json` for the result file name `directory/name`. (The Python tool prefixes
/// agg_ to the whole path and therefore names a directory that does not exist.)
std::string agg_path(std::string_view result_filename);

}  // namespace sweep::report
