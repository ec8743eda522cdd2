// One result of the serving client (benchmark_serving's JSON) into one processed result: what the contract,
// section 4, calls process_result. Pure.
//
// Better than the Python tool: a tpot statistic of 0 (the standard deviation of a single request) leaves out
// its own interactivity key and nothing else; so does a value that is no number. A GPU count that is 0 is an
// error that names the variable instead of a division by zero. As there, every key that ends in "ms" counts
// as milliseconds, even `items`.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "controller/report/json_text.hpp"
#include "util/error.hpp"

namespace sweep::report {

/// The environment that the Python tool reads. Texts as they stand there; nothing: not set.
struct ResultContext {
  std::string result_filename;                      // RESULT_FILENAME; for the callers' file names
  std::optional<std::string> runner_type;           // RUNNER_TYPE, the result's hw
  std::optional<std::string> framework, precision;  // FRAMEWORK, PRECISION
  std::optional<std::string> tp, ep;                // TP, EP_SIZE
  std::optional<std::string> dp_attention;          // DP_ATTENTION
  std::string mtp_mode;                             // MTP_MODE; empty: no mtp key
  std::string prefill_gpus, decode_gpus;            // PREFILL_GPUS, DECODE_GPUS; empty: TP
};

/// The processed result, its keys in the contract's order; throughputs in tokens a second and GPU, times in
/// seconds. A result that calls itself a stand-in (stand_in.hpp) keeps that as a last key, `stand_in`.
/// Fails, naming the variable or the key, when one that is needed is missing or no number.
Expected<nlohmann::ordered_json> process_result(const ResultContext& context, std::string_view result_json);
/// The same of a result that check_result has read.
Expected<nlohmann::ordered_json> process_checked(const ResultContext& context,
                                                 const nlohmann::ordered_json& result);

/// Whether `bytes` are what the serving client writes at the end of a run that answered at least one request.
/// Returns its keys in order, inner lists and objects empty. Fails, naming the key that is missing or wrong;
/// takes bytes from anybody.
Expected<nlohmann::ordered_json> check_result(std::string_view bytes);

/// `directory/agg_name` for the result file name `directory/name` (the Python tool glues agg_ to the front of
/// the whole path, which then names a directory that is not there), with .json at the end.
std::string agg_path(std::string_view result_filename);

}  // namespace sweep::report
