// Repeats: the same point run several times, and what they say together. Pure.
//
// Rules: a result says which point it repeats, and nothing is taken for a repeat that does not. Medians and
// ranges are of the valid ones alone; the others stay rows of their own, shown for what they are. Repeats of
// different sweeps, which lie in different folders, stay apart.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "controller/report/row.hpp"

namespace sweep::report {

/// Puts `repeat` (from 1) and `repeat_of` behind the keys of a processed result.
void mark_repeat(nlohmann::ordered_json& processed, const std::string& of, int number);
/// What a processed result says that it repeats; empty: nothing.
std::string repeat_of(const nlohmann::ordered_json& processed);

bool has_repeats(std::span<const Row> rows);
/// The rows with one in place of all valid repeats of a point, where the first of them stood: of each
/// measured value the median (of an even number the mean of the two in the middle), with its range.
std::vector<Row> merged_repeats(std::span<const Row> rows);

/// Half the range over the median; nothing without a range, or where the median is 0.
std::optional<double> half_spread(const Row& row, std::string_view key);

/// A line on what the rows of repeats show. Empty when there are none.
std::string repeat_note(std::span<const Row* const> rows);

}  // namespace sweep::report
