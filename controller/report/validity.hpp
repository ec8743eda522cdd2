// Checks whether a complete result is also valid, that is whether its values can be trusted. Pure.
//
// Rules: a reason starts with one of the words in kDoubts and a colon, followed by the value and the limit. A
// check is skipped if the client does not report the values that it needs. A result that is not valid is kept
// and shown, plotted with a hollow mark, and excluded from rankings and frontiers.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "controller/report/row.hpp"
#include "proto/base/account.hpp"

namespace sweep::report {

/// The load that a point asks for. A result is held against it, not against what its client was told to do.
struct RequestedLoad {
  std::int64_t isl = 0;      // input length in tokens; 0: unknown
  double range_ratio = 0.8;  // RANDOM_RANGE_RATIO: lengths are uniformly distributed from isl * ratio to isl
  std::int64_t osl = 0;      // output length in tokens; 0: unknown
  std::int64_t conc = 0;     // requests in flight; 0: unknown
  std::string model = {};    // empty: unknown
};

/// The largest valid fraction of failed requests.
inline constexpr double kMaxFailed = 0.05;
/// The same for agentic runs, in which a request depends on those before it: validate-agentic's threshold in
/// InferenceX's jobs (AIPERF_FAILED_REQUEST_THRESHOLD).
inline constexpr double kMaxFailedAgentic = 0.1;
/// The largest valid relative deviation of a mean length from the requested one.
inline constexpr double kMaxLengthError = 0.02;
/// The same for the lengths of outputs, which clients count in different ways.
inline constexpr double kMaxOutputError = 0.1;

/// Returns the reasons why a serving client's result is not valid; empty if it is valid.
///
/// Lengths: a client may send the point's full length, or lengths that are uniformly distributed from length *
/// ratio to length. Both means are valid, length and length * (1 + ratio) / 2, each with an additional
/// tolerance of three standard errors of the mean, 3 * length * (1 - ratio) / sqrt(12 * completed). What a
/// client says it requested (requested_input_tokens and requested_output_tokens of sweep-bench) is held against
/// the point (`other-load`), and what was measured against what was requested, or against the point if the
/// client does not say that (`input-length`, `output-length`).
///
/// Concurrency, model and rate (inf) have to be the point's, and there have to be as many prompts as requests
/// in flight.
std::vector<std::string> doubts(const nlohmann::ordered_json& client_result, const RequestedLoad& requested,
                                const Account& account);

/// Returns the reasons why the record that an agentic benchmark left is not valid; empty if it is valid.
/// Concurrency and model have to be the point's, and at most kMaxFailedAgentic of the requests may have failed.
std::vector<std::string> agentic_doubts(const nlohmann::ordered_json& record, const RequestedLoad& requested);

/// Returns `reasons` without those whose word is in `ignored`.
std::vector<std::string> without(std::vector<std::string> reasons, std::span<const std::string> ignored);

/// Appends the key `valid` to a processed result, and `invalid_reasons` if there are reasons.
void mark_validity(nlohmann::ordered_json& processed, const std::vector<std::string>& reasons);

/// Returns true if a processed result is marked as not valid.
bool is_marked_invalid(const nlohmann::ordered_json& processed);

/// Returns a line with the number of `rows` that are not valid; "" if all are valid.
std::string validity_note(std::span<const Row* const> rows);

}  // namespace sweep::report
