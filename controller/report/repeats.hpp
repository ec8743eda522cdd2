// Merges the results of repeats, that is of a point that was run several times. Pure.
//
// Rules: only results with the key `repeat_of` are repeats. Medians and ranges are computed from valid
// results only; invalid ones remain separate rows. Repeats of different sweeps, which are in different
// folders, are not merged.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "controller/report/row.hpp"

namespace sweep::report {

/// Appends the keys `repeat` (a number from 1) and `repeat_of` to a processed result.
void mark_repeat(nlohmann::ordered_json& processed, const std::string& of, int number);
/// Returns the point that a processed result repeats; "" if it is not a repeat.
std::string repeat_of(const nlohmann::ordered_json& processed);

/// Returns true if any row is a repeat.
bool has_repeats(std::span<const Row> rows);
/// Returns the rows with all valid repeats of a point replaced by one row at the position of the first. It
/// has the median and the range of each measured value. The median of an even number of values is the mean of
/// the middle two.
std::vector<Row> merged_repeats(std::span<const Row> rows);

/// Returns (maximum - minimum) / 2 / |median|; std::nullopt if there is no range or the median is 0.
std::optional<double> half_spread(const Row& row, std::string_view key);

/// Returns a line that explains the values of repeated points; "" if there are none.
std::string repeat_note(std::span<const Row* const> rows);

}  // namespace sweep::report
