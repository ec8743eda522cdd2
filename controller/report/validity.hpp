// Whether a result can be trusted, apart from what it says. Pure.
//
// Rules: a reason begins with its word (kDoubts) and a colon, then says value and bound. A result of a client
// that does not tell something is not doubted for it. What is not valid is kept, shown, and drawn hollow; it
// is never the best of anything.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "controller/report/row.hpp"
#include "proto/base/account.hpp"

namespace sweep::report {

/// What was asked of the client.
struct Asked {
  std::int64_t isl = 0;      // tokens
  double range_ratio = 0.8;  // RANDOM_RANGE_RATIO: lengths are equally likely from isl * ratio to isl
};

/// The most that may have failed, of all requests.
inline constexpr double kMostFailed = 0.05;
/// The most by which the mean prompt may be longer or shorter than was asked for, as a part of it.
inline constexpr double kMostInputError = 0.02;

/// Why a serving client's result is not valid; empty: it is. The mean input length is held against what the
/// client says it asked for (requested_input_tokens, of sweep-bench), else against the mean of the
/// distribution, with room for three standard errors of so many draws.
std::vector<std::string> doubts(const nlohmann::ordered_json& client_result, const Asked& asked,
                                const Account& account);

/// Leaves out the reasons whose words are among `ignored`.
std::vector<std::string> without(std::vector<std::string> reasons, std::span<const std::string> ignored);

/// Puts `valid` behind the keys of a processed result, and where there are reasons `invalid_reasons`.
void mark_validity(nlohmann::ordered_json& processed, const std::vector<std::string>& reasons);

/// Whether a processed result says that it is not valid.
bool says_invalid(const nlohmann::ordered_json& processed);

/// A line on how many of `rows` are not valid. Empty when all are.
std::string validity_note(std::span<const Row* const> rows);

}  // namespace sweep::report
