#include "controller/report/table.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <limits>
#include <tuple>

#include "controller/python/number.hpp"
#include "controller/report/repeats.hpp"
#include "controller/report/stand_in.hpp"
#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep::report {

namespace {

using Json = nlohmann::ordered_json;
using Show = Column::Show;

constexpr const char* kRuns = "Runs";  // the column's title

constexpr Column kModel{"Model", "model", Show::Text, 1, "unknown"};
constexpr Column kHardware{"Hardware", "hw", Show::Capitals, 1, "unknown"};
constexpr Column kFramework{"Framework", "framework", Show::Capitals, 1, "vllm"};
constexpr Column kPrecision{"Precision", "precision", Show::Capitals, 1, "fp8"};
constexpr Column kTp{"TP", "tp", Show::AsWritten};
constexpr Column kEp{"EP", "ep", Show::AsWritten};
constexpr Column kDpAttention{"DP Attention", "dp_attention", Show::Text};
constexpr Column kConc{"Conc", "conc", Show::AsWritten};
constexpr Column kTtft{"TTFT (ms)", "median_ttft", Show::Measured, 1000};
constexpr Column kInteractivity{"Interactivity (tok/s/user)", "median_intvty", Show::Measured};
constexpr Column kLatency{"E2EL (s)", "median_e2el", Show::Measured};
constexpr Column kThroughput{"TPUT per GPU", "tput_per_gpu", Show::Measured};

constexpr std::array<Column, 15> kSummary = {{kModel,
                                              kHardware,
                                              kFramework,
                                              kPrecision,
                                              kTp,
                                              kEp,
                                              kDpAttention,
                                              kConc,
                                              kTtft,
                                              {"TPOT (ms)", "median_tpot", Show::Measured, 1000},
                                              kInteractivity,
                                              kLatency,
                                              kThroughput,
                                              {"Output TPUT per GPU", "output_tput_per_gpu", Show::Measured},
                                              {"Input TPUT per GPU", "input_tput_per_gpu", Show::Measured}}};

constexpr std::array<Column, 12> kFrontier = {{kModel, kHardware, kFramework, kPrecision, kTp, kEp,
                                               kDpAttention, kConc, kTtft, kInteractivity, kLatency,
                                               kThroughput}};

// A row and its sort key.
struct Sortable {
  InternedString model, hw, framework, precision;
  double tp, ep, conc;
  const Row* row;

  auto key() const { return std::tie(model.str(), hw.str(), framework.str(), precision.str(), tp, ep, conc); }
};

// Returns the number for sorting. A missing number and NaN become infinity: they sort last, and the order
// stays strict.
double sortable(const Value& value) {
  const double number = value.number().value_or(std::numeric_limits<double>::infinity());
  return number == number ? number : std::numeric_limits<double>::infinity();
}

Sortable make_sortable(const Row& row) {
  const auto text = [&](const Column& column) { return InternedString(row[column.key].text(column.absent)); };
  return {text(kModel),        text(kHardware),     text(kFramework),      text(kPrecision),
          sortable(row["tp"]), sortable(row["ep"]), sortable(row["conc"]), &row};
}

// Escapes `text`, so that it cannot end its cell or its row.
std::string cell_text(const std::string& text) {
  std::string out;
  for (const char c : printable(text)) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

std::string percent(double share) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f%%", 100 * share);
  return text.data();
}

std::string measured(const Row& row, const Column& column) {
  const auto number = row[column.key].number();
  if (!number) return "-";
  const auto spread = half_spread(row, column.key);
  return python::four_decimals(*number * column.factor) + (spread ? " ±" + percent(*spread) : "");
}

// Returns the value as Python's f-string formats it; null is None.
std::string shown(const Value& value, const Column& column) {
  return value.is_null() ? "None" : value.text(column.absent);
}

std::string cell(const Row& row, const Column& column) {
  const Value& value = row[column.key];
  switch (column.show) {
    case Show::Text:
    case Show::AsWritten:
      return cell_text(shown(value, column));
    case Show::Capitals:
      return cell_text(ascii_upper(value.text(column.absent)));
    case Show::Measured:
      return measured(row, column);
  }
  return "-";
}

std::string padded(const std::string& text, std::size_t width, bool align_right) {
  const std::size_t length = characters(text);
  const std::string padding(width - std::min(width, length), ' ');
  return align_right ? padding + text : text + padding;
}

bool any_repeats(std::span<const Row* const> rows) {
  return std::any_of(rows.begin(), rows.end(), [](const Row* row) { return row->spread != nullptr; });
}

// Returns the number of results that a row was computed from.
std::string runs_text(const Row& row) {
  return std::to_string(row.spread != nullptr ? row.spread->runs : 1);
}

bool any_exp_name(std::span<const Row* const> rows) {
  return std::any_of(rows.begin(), rows.end(), [](const Row* row) { return !row->exp_name.empty(); });
}

// The cells of one column of an aligned table.
struct AlignedColumn {
  bool numbers;                    // aligned to the right
  std::vector<std::string> cells;  // the title first
  std::size_t width = 3;           // characters; Markdown requires at least three for the rule

  void add(std::string text) {
    width = std::max(width, characters(text));
    cells.push_back(std::move(text));
  }
  std::string rule() const { return std::string(width - 1, '-') + (numbers ? ":" : "-"); }
};

std::vector<AlignedColumn> aligned_columns(std::span<const Column> columns,
                                           std::span<const Row* const> rows) {
  std::vector<AlignedColumn> out;
  if (any_exp_name(rows)) {
    AlignedColumn& aligned = out.emplace_back(AlignedColumn{false, {}});
    aligned.add("Experiment");
    for (const Row* row : rows)
      aligned.add(row->exp_name.empty() ? "-" : cell_text(row->exp_name.str()));
  }
  for (const Column& column : columns) {
    const bool numbers = column.show == Show::Measured || column.show == Show::AsWritten;
    AlignedColumn& aligned = out.emplace_back(AlignedColumn{numbers, {}});
    aligned.add(column.title);
    for (const Row* row : rows)
      aligned.add(cell(*row, column));
  }
  if (any_repeats(rows)) {
    AlignedColumn& aligned = out.emplace_back(AlignedColumn{true, {}});
    aligned.add(kRuns);
    for (const Row* row : rows)
      aligned.add(runs_text(*row));
  }
  return out;
}

// Returns the JSON value of a cell. In a processed result, dp_attention is a text, as in the contract.
Json typed(const Value& value, const Column& column) {
  const Json json = value.json();
  if (std::string_view(column.key) != kDpAttention.key || !json.is_string()) return json;
  const std::string word = ascii_lower(json.get<std::string>());
  return word == "true" || word == "false" ? Json(word == "true") : json;
}

// Adds `runs`, and `range` with the minimum and maximum of each measured value.
void add_spread(Json& object, const Row& row, std::span<const Column> columns) {
  object["runs"] = row.spread->runs;
  Json& ranges = object["range"] = Json::object();
  for (const Column& column : columns) {
    if (const auto range = row.range(column.key)) ranges[column.key] = {range->least, range->greatest};
  }
}

}  // namespace

std::span<const Column> summary_columns() {
  return kSummary;
}

std::span<const Column> frontier_columns() {
  return kFrontier;
}

std::vector<const Row*> sorted_results(std::span<const Row> rows) {
  std::vector<const Row*> all;
  for (const Row& row : rows)
    all.push_back(&row);
  return sorted_results(all);
}

std::vector<const Row*> sorted_results(std::span<const Row* const> rows) {
  std::vector<Sortable> all;
  all.reserve(rows.size());
  for (const Row* row : rows)
    all.push_back(make_sortable(*row));
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.key() < b.key(); });
  std::vector<const Row*> out;
  out.reserve(all.size());
  for (const Sortable& one : all)
    out.push_back(one.row);
  return out;
}

std::string contract_table(std::span<const Column> columns, std::span<const Row* const> rows) {
  const bool repeats = any_repeats(rows);
  std::string out = "|";
  for (const Column& column : columns)
    out += std::string(" ") + column.title + " |";
  out += (repeats ? std::string(" ") + kRuns + " |" : "") + "\n|";
  for (std::size_t i = 0; i < columns.size() + (repeats ? 1 : 0); ++i)
    out += " :-: |";
  out += "\n";
  const std::size_t head = out.size();
  for (const Row* row : rows) {
    out += "|";
    for (const Column& column : columns)
      out += " " + cell(*row, column) + " |";
    out += (repeats ? " " + runs_text(*row) + " |" : "") + "\n";
    // Reserve the estimated size after the first row: a large table would be copied each time it grows.
    if (row == rows[0]) out.reserve(head + (out.size() - head) * (rows.size() + rows.size() / 8));
  }
  return out;
}

std::string aligned_table(std::span<const Column> columns, std::span<const Row* const> rows) {
  const std::vector<AlignedColumn> aligned = aligned_columns(columns, rows);
  std::string head = "|", rule = "|";
  for (const AlignedColumn& column : aligned) {
    head += " " + padded(column.cells[0], column.width, column.numbers) + " |";
    rule += " " + column.rule() + " |";
  }
  std::string out = head + "\n" + rule + "\n";
  for (std::size_t i = 1; i <= rows.size(); ++i) {
    out += "|";
    for (const AlignedColumn& column : aligned)
      out += " " + padded(column.cells[i], column.width, column.numbers) + " |";
    out += "\n";
  }
  return out;
}

Json table_json(std::span<const Column> columns, std::span<const Row* const> rows) {
  Json out = Json::array();
  for (const Row* row : rows) {
    Json object = Json::object();
    if (!row->exp_name.empty()) object["exp_name"] = row->exp_name.str();
    for (const Column& column : columns)
      object[column.key] = typed((*row)[column.key], column);
    if (row->spread != nullptr) add_spread(object, *row, columns);
    if (!row->stand_in.empty()) mark_stand_in(object, row->stand_in.str());
    if (!row->path.empty()) object["file"] = row->path;
    out.push_back(std::move(object));
  }
  return out;
}

}  // namespace sweep::report
