#include "controller/evals/eval_table.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>
#include <vector>

#include "controller/python/number.hpp"
#include "controller/python/value.hpp"
#include "controller/report/github_table.hpp"
#include "util/text.hpp"

namespace sweep::evals {

namespace {

using Json = nlohmann::ordered_json;
using Strings = std::vector<std::string>;

// How a value of a row becomes a cell.
enum class EvalCell { AsIs, Capitals, Percentage, UnlessZero };

struct EvalColumn {
  const char* title;
  const char* key;
  EvalCell cell = EvalCell::AsIs;
};

constexpr EvalColumn kPointColumns[] = {{"Model Prefix", "model_prefix"},
                                        {"Hardware", "hw"},
                                        {"Framework", "framework", EvalCell::Capitals},
                                        {"Precision", "precision", EvalCell::Capitals},
                                        {"Spec Decode", "spec_decoding"},
                                        {"ISL", "isl"},
                                        {"OSL", "osl"}};
constexpr EvalColumn kOneNodeColumns[] = {
    {"TP", "tp"}, {"EP", "ep"}, {"Conc", "conc"}, {"DP Attention", "dp_attention"}};
constexpr EvalColumn kManyNodesColumns[] = {{"Prefill TP", "prefill_tp"},
                                            {"Prefill EP", "prefill_ep"},
                                            {"Prefill DP Attn", "prefill_dp_attention"},
                                            {"Prefill Workers", "prefill_num_workers"},
                                            {"Decode TP", "decode_tp"},
                                            {"Decode EP", "decode_ep"},
                                            {"Decode DP Attn", "decode_dp_attention"},
                                            {"Decode Workers", "decode_num_workers"},
                                            {"Conc", "conc"}};
constexpr EvalColumn kScoreColumns[] = {{"Task", "task"},
                                        {"Score", "score", EvalCell::Percentage},
                                        {"EM Strict", "em_strict", EvalCell::Percentage},
                                        {"EM Flexible", "em_flexible", EvalCell::Percentage},
                                        {"N (eff)", "n_eff", EvalCell::UnlessZero},
                                        {"Model", "model"}};

std::string percent_text(double share) {
  char text[400];
  std::snprintf(text, sizeof text, "%.2f", share * 100);
  return (share != share ? std::string("nan") : std::string(text)) + "%";
}

// Returns "93.25% ±0.69%" for a share and its standard error; "N/A" without a share.
std::string percentage(const Json& value, const Json& error) {
  const auto share = python::float_of(value), deviation = python::float_of(error);
  return (share ? percent_text(*share) : "N/A") + (deviation ? " ±" + percent_text(*deviation) : "");
}

Json cell_of(const Json& row, const EvalColumn& column) {
  const Json& value = row.at(column.key);
  switch (column.cell) {
    case EvalCell::AsIs:
      return value;
    case EvalCell::Capitals:
      return ascii_upper(python::str_of(value));
    case EvalCell::Percentage:
      return percentage(value, row.at(std::string(column.key) + "_se"));
    case EvalCell::UnlessZero:
      return python::truth_of(value) ? value : Json("");
  }
  return value;
}

using EvalSortKey = std::pair<Strings, std::vector<std::int64_t>>;

constexpr std::array kOneNodeKeys = {"isl", "osl", "tp", "ep", "conc"};
constexpr std::array kManyNodesKeys = {
    "isl",       "osl",       "prefill_tp",         "prefill_ep", "prefill_num_workers",
    "decode_tp", "decode_ep", "decode_num_workers", "conc"};

EvalSortKey sort_key(const Json& row, bool many_nodes, EvalOrder order) {
  EvalSortKey key;
  for (const char* name : {"model_prefix", "hw", "framework", "precision", "spec_decoding"}) {
    if (order == EvalOrder::Hardware && name == std::string_view("model_prefix")) continue;
    key.first.push_back(python::str_of(row.at(name)));
  }
  const std::span<const char* const> numbers =
      many_nodes ? std::span<const char* const>(kManyNodesKeys) : std::span<const char* const>(kOneNodeKeys);
  for (const char* name : numbers)
    key.second.push_back(row.at(name).get<std::int64_t>());
  return key;
}

std::vector<const Json*> sorted_rows(std::span<const Json> rows, bool many_nodes, EvalOrder order) {
  std::vector<std::pair<EvalSortKey, const Json*>> keyed;
  for (const Json& row : rows) {
    if (row.at("is_multinode").get<bool>() == many_nodes)
      keyed.emplace_back(sort_key(row, many_nodes, order), &row);
  }
  std::stable_sort(keyed.begin(), keyed.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<const Json*> out;
  for (const auto& [key, row] : keyed)
    out.push_back(row);
  return out;
}

std::string table_of(std::span<const Json* const> rows, bool many_nodes) {
  std::vector<EvalColumn> columns(std::begin(kPointColumns), std::end(kPointColumns));
  const std::span<const EvalColumn> middle = many_nodes ? std::span<const EvalColumn>(kManyNodesColumns)
                                                        : std::span<const EvalColumn>(kOneNodeColumns);
  columns.insert(columns.end(), middle.begin(), middle.end());
  columns.insert(columns.end(), std::begin(kScoreColumns), std::end(kScoreColumns));
  Strings titles;
  for (const EvalColumn& column : columns)
    titles.emplace_back(column.title);
  std::vector<report::TableCells> cells;
  for (const Json* row : rows) {
    report::TableCells& line = cells.emplace_back();
    for (const EvalColumn& column : columns)
      line.push_back(cell_of(*row, column));
  }
  return report::github_table(titles, cells);
}

}  // namespace

std::string eval_tables(std::span<const Json> rows, EvalOrder order) {
  const auto one = sorted_rows(rows, false, order), many = sorted_rows(rows, true, order);
  if (one.empty() && many.empty()) return "> No eval results found to summarize.\n";
  std::string out;
  if (!one.empty()) out += "### Single-Node Eval Results\n\n" + table_of(one, false);
  if (!one.empty() && !many.empty()) out += "\n\n";
  if (!many.empty()) out += "### Multi-Node Eval Results\n\n" + table_of(many, true);
  return out;
}

}  // namespace sweep::evals
