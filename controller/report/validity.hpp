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

/// The input lengths that the client was configured with.
struct RequestedInput {
  std::int64_t isl = 0;      // tokens
  double range_ratio = 0.8;  // RANDOM_RANGE_RATIO: lengths are uniformly distributed from isl * ratio to isl
};

/// The largest valid fraction of failed requests.
inline constexpr double kMaxFailed = 0.05;
/// The largest valid relative deviation of the mean input length from the requested one.
inline constexpr double kMaxInputError = 0.02;

/// Returns the reasons why a serving client's result is not valid; empty if it is valid. The mean input
/// length is compared with requested_input_tokens / completed, which sweep-bench reports. For other clients
/// it is compared with the mean of the uniform distribution, isl * (1 + ratio) / 2, with an additional
/// tolerance of three standard errors of the mean, 3 * isl * (1 - ratio) / sqrt(12 * completed).
std::vector<std::string> doubts(const nlohmann::ordered_json& client_result, const RequestedInput& requested,
                                const Account& account);

/// Returns `reasons` without those whose word is in `ignored`.
std::vector<std::string> without(std::vector<std::string> reasons, std::span<const std::string> ignored);

/// Appends the key `valid` to a processed result, and `invalid_reasons` if there are reasons.
void mark_validity(nlohmann::ordered_json& processed, const std::vector<std::string>& reasons);

/// Returns true if a processed result is marked as not valid.
bool is_marked_invalid(const nlohmann::ordered_json& processed);

/// Returns a line with the number of `rows` that are not valid; "" if all are valid.
std::string validity_note(std::span<const Row* const> rows);

}  // namespace sweep::report
