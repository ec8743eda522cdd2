#include "controller/report/table.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <tuple>

#include "controller/report/python_number.hpp"
#include "controller/report/stand_in.hpp"
#include "proto/base/text.hpp"

namespace sweep::report {

namespace {

using Json = nlohmann::ordered_json;
using Show = Column::Show;

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

struct Row {
  std::string model, hw, framework, precision;
  double tp, ep, conc;
  const Document* document;

  auto key() const { return std::tie(model, hw, framework, precision, tp, ep, conc); }
};

// What has no number sorts last; NaN must not reach the comparison, which needs an order.
double sortable(const Json& json, const char* key) {
  const double value = number_of(json, key).value_or(std::numeric_limits<double>::infinity());
  return value == value ? value : std::numeric_limits<double>::infinity();
}

Row make_row(const Document& document) {
  const Json& json = document.json;
  const auto text = [&](const Column& column) { return text_of(json, column.key, column.absent); };
  return {text(kModel),         text(kHardware),      text(kFramework),       text(kPrecision),
          sortable(json, "tp"), sortable(json, "ep"), sortable(json, "conc"), &document};
}

// A cell must not end its row or begin another one.
std::string cell_text(const std::string& text) {
  std::string out;
  for (const char c : printable(text)) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

std::string measured(const Json& json, const Column& column) {
  const auto value = number_of(json, column.key);
  return value ? four_decimals(*value * column.factor) : "-";
}

// As Python's f-string shows it: a null as None.
std::string shown(const Json& json, const Column& column) {
  const auto found = json.find(column.key);
  return found != json.end() && found->is_null() ? "None" : text_of(json, column.key, column.absent);
}

std::string cell(const Json& json, const Column& column) {
  switch (column.show) {
    case Show::Text:
    case Show::AsWritten:
      return cell_text(shown(json, column));
    case Show::Capitals:
      return cell_text(ascii_upper(text_of(json, column.key, column.absent)));
    case Show::Measured:
      return measured(json, column);
  }
  return "-";
}

std::string padded(const std::string& text, std::size_t width, bool to_the_right) {
  const std::size_t length = characters(text);
  const std::string room(width - std::min(width, length), ' ');
  return to_the_right ? room + text : text + room;
}

bool any_exp_name(std::span<const Document* const> rows) {
  return std::any_of(rows.begin(), rows.end(), [](const Document* row) { return !row->exp_name.empty(); });
}

// One column of an aligned table, the title first.
struct Strip {
  bool numbers;
  std::vector<std::string> cells;
  std::size_t width = 3;  // the least that Markdown takes for a rule

  void add(std::string text) {
    width = std::max(width, characters(text));
    cells.push_back(std::move(text));
  }
  std::string rule() const { return std::string(width - 1, '-') + (numbers ? ":" : "-"); }
};

std::vector<Strip> strips_of(std::span<const Column> columns, std::span<const Document* const> rows) {
  std::vector<Strip> out;
  if (any_exp_name(rows)) {
    Strip& strip = out.emplace_back(Strip{false, {}});
    strip.add("Experiment");
    for (const Document* row : rows)
      strip.add(row->exp_name.empty() ? "-" : cell_text(row->exp_name));
  }
  for (const Column& column : columns) {
    Strip& strip =
        out.emplace_back(Strip{column.show == Show::Measured || column.show == Show::AsWritten, {}});
    strip.add(column.title);
    for (const Document* row : rows)
      strip.add(cell(row->json, column));
  }
  return out;
}

}  // namespace

std::span<const Column> summary_columns() {
  return kSummary;
}

std::span<const Column> frontier_columns() {
  return kFrontier;
}

std::vector<const Document*> sorted_results(std::span<const Document> documents) {
  std::vector<const Document*> all;
  for (const Document& document : documents)
    all.push_back(&document);
  return sorted_results(all);
}

std::vector<const Document*> sorted_results(std::span<const Document* const> documents) {
  std::vector<Row> rows;
  for (const Document* document : documents) {
    if (is_processed_result(document->json)) rows.push_back(make_row(*document));
  }
  std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.key() < b.key(); });
  std::vector<const Document*> out;
  for (const Row& row : rows)
    out.push_back(row.document);
  return out;
}

std::string contract_table(std::span<const Column> columns, std::span<const Document* const> rows) {
  std::string out = "|";
  for (const Column& column : columns)
    out += std::string(" ") + column.title + " |";
  out += "\n|";
  for (std::size_t i = 0; i < columns.size(); ++i)
    out += " :-: |";
  out += "\n";
  for (const Document* row : rows) {
    out += "|";
    for (const Column& column : columns)
      out += " " + cell(row->json, column) + " |";
    out += "\n";
  }
  return out;
}

std::string aligned_table(std::span<const Column> columns, std::span<const Document* const> rows) {
  const std::vector<Strip> strips = strips_of(columns, rows);
  std::string head = "|", rule = "|";
  for (const Strip& strip : strips) {
    head += " " + padded(strip.cells[0], strip.width, strip.numbers) + " |";
    rule += " " + strip.rule() + " |";
  }
  std::string out = head + "\n" + rule + "\n";
  for (std::size_t i = 1; i <= rows.size(); ++i) {
    out += "|";
    for (const Strip& strip : strips)
      out += " " + padded(strip.cells[i], strip.width, strip.numbers) + " |";
    out += "\n";
  }
  return out;
}

Json table_json(std::span<const Column> columns, std::span<const Document* const> rows) {
  Json out = Json::array();
  for (const Document* row : rows) {
    Json object = Json::object();
    if (!row->exp_name.empty()) object["exp_name"] = row->exp_name;
    for (const Column& column : columns) {
      const auto found = row->json.find(column.key);
      object[column.key] = found == row->json.end() ? Json() : *found;
    }
    if (const auto what = stand_in(row->json)) object[kStandInKey] = *what;
    if (!row->path.empty()) object["file"] = row->path;
    out.push_back(std::move(object));
  }
  return out;
}

}  // namespace sweep::report
