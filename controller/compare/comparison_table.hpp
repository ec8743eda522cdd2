// The tables that compare-results prints. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controller/compare/comparison.hpp"

namespace sweep::compare {

struct ComparedRow {
  Compared point;
  std::optional<Baseline> baseline;
};

/// Returns the tables of the records on one node and of those on several nodes, each only if there are any,
/// sorted by model prefix, hardware, framework, lengths and concurrency. For each metric they have the value
/// and its change against the baseline, green if it is better. Without rows: "No benchmark results found to
/// compare."
std::string comparison_tables(std::vector<ComparedRow> rows);

}  // namespace sweep::compare
