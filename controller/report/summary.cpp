#include "controller/report/summary.hpp"

#include <algorithm>
#include <compare>
#include <limits>
#include <tuple>
#include <vector>

#include "controller/report/python_number.hpp"
#include "proto/base/text.hpp"

namespace sweep::report {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kHeader =
    "| Model | Hardware | Framework | Precision | TP | EP | DP Attention | Conc | TTFT (ms) | TPOT (ms) | "
    "Interactivity (tok/s/user) | E2EL (s) | TPUT per GPU | Output TPUT per GPU | Input TPUT per GPU |\n"
    "| :-: | :-: | :-: | :-: | :-: | :-: | :-: | :-: | :-: | :-: | :-: | :-: | :-: | :-: | :-: |\n";

struct Row {
  std::string model, hw, framework, precision;
  double tp, ep, conc;
  const Json* json;

  auto key() const { return std::tie(model, hw, framework, precision, tp, ep, conc); }
};

// What has no number sorts last; NaN must not reach the comparison, which needs an order.
double sortable(const Json& json, const char* key) {
  const double value = number_of(json, key).value_or(std::numeric_limits<double>::infinity());
  return value == value ? value : std::numeric_limits<double>::infinity();
}

Row make_row(const Json& json) {
  return {text_of(json, "model", "unknown"),
          text_of(json, "hw", "unknown"),
          text_of(json, "framework", "vllm"),
          text_of(json, "precision", "fp8"),
          sortable(json, "tp"),
          sortable(json, "ep"),
          sortable(json, "conc"),
          &json};
}

std::string upper(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

// A cell must not end its row or begin another one.
std::string cell(const std::string& text) {
  std::string out;
  for (const char c : printable(text)) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

std::string measured(const Json& json, const char* key, double factor) {
  const auto value = number_of(json, key);
  return value ? four_decimals(*value * factor) : "-";
}

// null is what a result without DP_ATTENTION has; Python shows it as None.
std::string dp_attention(const Json& json) {
  const auto found = json.find("dp_attention");
  return found != json.end() && found->is_null() ? "None" : text_of(json, "dp_attention", "-");
}

std::string line(const Row& row) {
  const Json& json = *row.json;
  const std::string cells[] = {cell(row.model),
                               cell(upper(row.hw)),
                               cell(upper(row.framework)),
                               cell(upper(row.precision)),
                               cell(text_of(json, "tp", "-")),
                               cell(text_of(json, "ep", "-")),
                               cell(dp_attention(json)),
                               cell(text_of(json, "conc", "-")),
                               measured(json, "median_ttft", 1000),
                               measured(json, "median_tpot", 1000),
                               measured(json, "median_intvty", 1),
                               measured(json, "median_e2el", 1),
                               measured(json, "tput_per_gpu", 1),
                               measured(json, "output_tput_per_gpu", 1),
                               measured(json, "input_tput_per_gpu", 1)};
  return "| " + join(cells, " | ") + " |\n";
}

}  // namespace

std::string summary_table(std::span<const Document> documents) {
  std::vector<Row> rows;
  for (const Document& document : documents) {
    if (is_processed_result(document.json)) rows.push_back(make_row(document.json));
  }
  std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.key() < b.key(); });
  std::string out = kHeader;
  for (const Row& row : rows)
    out += line(row);
  return out;
}

}  // namespace sweep::report
