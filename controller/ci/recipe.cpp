#include "controller/ci/recipe.hpp"

#include <algorithm>
#include <unordered_map>

#include "controller/ci/compact_json.hpp"
#include "controller/matrix/inferencex/row_json.hpp"
#include "util/digest.hpp"
#include "util/json.hpp"

namespace sweep::ci {

namespace {

using matrix::inferencex::Row;
using matrix::inferencex::Scalar;

bool is_lower(const Scalar& a, const Scalar& b) {
  return a.number < b.number;
}

}  // namespace

std::string recipe_text(const Row& row) {
  std::string text;
  append_row(text, row);
  auto json = parse_ordered_json(text);
  json.erase("conc");
  json.erase("exp-name");
  return compact_json(json, KeyOrder::Sorted);
}

std::string recipe_fingerprint(const Row& row) {
  return sha256_hex(recipe_text(row));
}

std::vector<Row> with_lowest_concurrencies(std::vector<Row> rows) {
  std::unordered_map<std::string, std::size_t> lowest;  // by recipe: the row of one node that stays
  std::vector<bool> stays(rows.size(), true);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Row& row = rows[i];
    if (row.entry->multinode) {
      if (row.conc.size() > 1) row.conc = {*std::min_element(row.conc.begin(), row.conc.end(), is_lower)};
      continue;
    }
    const auto [place, is_new] = lowest.emplace(recipe_text(row), i);
    if (is_new) continue;
    const bool replaces = is_lower(row.conc.front(), rows[place->second].conc.front());
    stays[replaces ? place->second : i] = false;
    if (replaces) place->second = i;
  }
  std::vector<Row> out;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (stays[i]) out.push_back(std::move(rows[i]));
  }
  return out;
}

}  // namespace sweep::ci
