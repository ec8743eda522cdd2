// What a reader looks for first under the table: the best results and the frontier. Pure.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "controller/report/frontier.hpp"
#include "controller/report/row.hpp"

namespace sweep::report {

/// Pointers into the rows that they were found in.
struct Highlights {
  /// The results with the highest throughput per GPU and the highest interactivity; of equal ones the first.
  struct Best {
    const Row *throughput = nullptr, *interactivity = nullptr;
  };
  std::map<Comparable, Best> best;
  std::vector<const Row*> frontier;  // of each hardware and framework, throughput over interactivity
};

Highlights find_highlights(std::span<const Row> rows);

/// A paragraph for each of `best`, then the frontier as a table. Empty when no result has such values.
std::string highlights_text(const Highlights& highlights);

/// The same: keys `best` (a list of {exp_name, family, stand_in, tput_per_gpu, median_intvty}, each of the
/// two a row as in table.hpp) and `frontier` (rows).
nlohmann::ordered_json highlights_json(const Highlights& highlights);

}  // namespace sweep::report
