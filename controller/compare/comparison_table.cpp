#include "controller/compare/comparison_table.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <span>
#include <tuple>

#include "controller/python/value.hpp"
#include "controller/report/github_table.hpp"
#include "util/text.hpp"

namespace sweep::compare {

namespace {

using Json = nlohmann::ordered_json;

struct Metric {
  const char *key, *title;
  bool more_is_better;
  int decimals;
  double factor = 1;  // from the record's unit to the title's
};

constexpr std::array<Metric, 13> kMetrics = {{{"tput_per_gpu", "TPUT/GPU", true, 2},
                                              {"median_ttft", "TTFT Median (ms)", false, 4, 1000},
                                              {"p90_ttft", "TTFT P90 (ms)", false, 4, 1000},
                                              {"p99_ttft", "TTFT P99 (ms)", false, 4, 1000},
                                              {"p99.9_ttft", "TTFT P99.9 (ms)", false, 4, 1000},
                                              {"median_intvty", "Intvty Median", true, 4},
                                              {"p90_intvty", "Intvty@P90 TPOT", true, 4},
                                              {"p99_intvty", "Intvty@P99 TPOT", true, 4},
                                              {"p99.9_intvty", "Intvty@P99.9 TPOT", true, 4},
                                              {"median_e2el", "E2EL Median (s)", false, 4},
                                              {"p90_e2el", "E2EL P90 (s)", false, 4},
                                              {"p99_e2el", "E2EL P99 (s)", false, 4},
                                              {"p99.9_e2el", "E2EL P99.9 (s)", false, 4}}};

constexpr const char* kAbsent = "N/A";

std::string fixed(double value, int decimals, bool with_sign) {
  if (value != value) return with_sign ? "+nan" : "nan";
  std::array<char, 400> text{};
  std::snprintf(text.data(), text.size(), with_sign ? "%+.*f" : "%.*f", decimals, value);
  return text.data();
}

std::optional<double> metric_in(const Json& values, const Metric& metric) {
  const Json* value = python::member(values, metric.key);
  return value == nullptr ? std::nullopt : python::float_of(*value);
}

std::string value_cell(const Json& record, const Metric& metric) {
  const auto value = metric_in(record, metric);
  return value ? fixed(*value * metric.factor, metric.decimals, false) : kAbsent;
}

std::string delta_cell(const Json& record, const std::optional<Baseline>& baseline, const Metric& metric) {
  const auto now = metric_in(record, metric);
  const auto before = baseline ? metric_in(baseline->metrics, metric) : std::nullopt;
  if (!now || !before || *before == 0) return kAbsent;
  const double old_value = *before * metric.factor, delta = *now * metric.factor - old_value;
  const std::string change = fixed(delta, metric.decimals, true);
  const std::string percent = " (" + fixed(delta / old_value * 100, 1, true) + "%)";
  if (!(delta > 0) && !(delta < 0)) return change + percent;
  const char* const colour = (delta > 0) == metric.more_is_better ? "green" : "red";
  return std::string("$\\color{") + colour + "}\\text{" + change + "}$" + percent;
}

const Json& at(const ComparedRow& row, const char* key) {
  return row.point.record.at(key);
}

std::string capitals(const ComparedRow& row, const char* key) {
  return ascii_upper(python::str_of(at(row, key)));
}

constexpr std::array kOneNodeSizes = {"tp", "ep"};
constexpr std::array kManyNodesSizes = {"prefill_tp", "prefill_ep", "decode_tp", "decode_ep"};

report::TableCells cells_of(const ComparedRow& row, bool many_nodes) {
  report::TableCells out = {
      at(row, "infmax_model_prefix"), at(row, "model"),           row.point.hardware,
      capitals(row, "framework"),     capitals(row, "precision"), row.point.query.at("isl"),
      row.point.query.at("osl")};
  const std::span<const char* const> sizes = many_nodes ? std::span<const char* const>(kManyNodesSizes)
                                                        : std::span<const char* const>(kOneNodeSizes);
  for (const char* key : sizes)
    out.emplace_back(python::str_of(at(row, key)));
  if (!many_nodes) out.push_back(at(row, "dp_attention"));
  out.push_back(row.point.query.at("conc"));
  for (const Metric& metric : kMetrics) {
    out.emplace_back(value_cell(row.point.record, metric));
    out.emplace_back(delta_cell(row.point.record, row.baseline, metric));
  }
  return out;
}

std::string comparison_table(const std::vector<ComparedRow>& rows, bool many_nodes) {
  std::vector<std::string> titles = {"Model",     "Served Model", "Hardware", "Framework",
                                     "Precision", "ISL",          "OSL"};
  if (many_nodes) {
    titles.insert(titles.end(), {"Prefill TP", "Prefill EP", "Decode TP", "Decode EP"});
  } else {
    titles.insert(titles.end(), {"TP", "EP", "DP Attention"});
  }
  titles.emplace_back("Conc");
  for (const Metric& metric : kMetrics) {
    titles.emplace_back(metric.title);
    titles.push_back(metric.title + std::string(" Delta"));
  }
  std::vector<report::TableCells> cells;
  for (const ComparedRow& row : rows) {
    if (row.point.many_nodes == many_nodes) cells.push_back(cells_of(row, many_nodes));
  }
  return cells.empty() ? "" : report::github_table(titles, cells);
}

auto comparison_key(const ComparedRow& row) {
  const Json& query = row.point.query;
  return std::tuple(python::str_of(at(row, "infmax_model_prefix")), row.point.hardware,
                    capitals(row, "framework"), query.at("isl").get<std::int64_t>(),
                    query.at("osl").get<std::int64_t>(), query.at("conc").get<std::int64_t>());
}

}  // namespace

std::string comparison_tables(std::vector<ComparedRow> rows) {
  if (rows.empty()) return "No benchmark results found to compare.\n";
  std::stable_sort(rows.begin(), rows.end(),
                   [](const auto& a, const auto& b) { return comparison_key(a) < comparison_key(b); });
  std::string out;
  if (const std::string one = comparison_table(rows, false); !one.empty())
    out += "## Single-Node Comparison vs. Most Recent\n\n" + one + "\n";
  if (const std::string many = comparison_table(rows, true); !many.empty())
    out += "## Multi-Node Comparison vs. Most Recent\n\n" + many;
  return out;
}

}  // namespace sweep::compare
