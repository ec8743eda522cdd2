// The best results and the Pareto frontier, which summary.txt prints below the table. Pure.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "controller/report/frontier.hpp"
#include "controller/report/row.hpp"

namespace sweep::report {

/// Points into the rows passed to find_highlights, which must outlive it.
struct Highlights {
  /// The results with the highest throughput per GPU and the highest interactivity; of equal results the
  /// first.
  struct Best {
    const Row *throughput = nullptr, *interactivity = nullptr;
  };
  std::map<ComparisonKey, Best> best;
  std::vector<const Row*> frontier;  // throughput over interactivity, for each hardware and framework
};

Highlights find_highlights(std::span<const Row> rows);

/// Returns a paragraph for each element of `best`, then the frontier as a table; "" if no result has both
/// values.
std::string highlights_text(const Highlights& highlights);

/// Returns the same as JSON: `best`, a list of {exp_name, family, stand_in, tput_per_gpu, median_intvty}, of
/// which the last two are rows as in table_json, and `frontier`, a list of such rows.
nlohmann::ordered_json highlights_json(const Highlights& highlights);

}  // namespace sweep::report
