#include "controller/report/highlights.hpp"

#include "controller/python/number.hpp"
#include "controller/report/table.hpp"
#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep::report {

namespace {

constexpr const char *kThroughputKey = "tput_per_gpu", *kInteractivityKey = "median_intvty";

double value_of(const Row& row, const char* key) {
  return row[key].number().value_or(0);
}

// Returns "B200 sglang fp4 tp4 ep1 conc64, deepseek-ai/DeepSeek-R1".
std::string description(const Row& row) {
  return printable(ascii_upper(group_text(row, "hw")) + " " + group_text(row, "framework") + " " +
                   group_text(row, "precision") + " tp" + row["tp"].text("?") + " ep" + row["ep"].text("?") +
                   " conc" + row["conc"].text("?") +
                   (row["dp_attention"].text("false") == "true" ? " dp-attention" : "") + ", " +
                   row["model"].text("unknown"));
}

std::string value(const Row& row, const char* key) {
  return python::four_decimals(value_of(row, key));
}

std::string best_lines(const Highlights::Best& best) {
  const Row &most = *best.throughput, &fastest = *best.interactivity;
  return "  throughput per GPU  " + value(most, kThroughputKey) + " tok/s (" +
         value(most, kInteractivityKey) + " tok/s/user): " + description(most) + "\n  interactivity       " +
         value(fastest, kInteractivityKey) + " tok/s/user (" + value(fastest, kThroughputKey) +
         " tok/s per GPU): " + description(fastest) + "\n";
}

}  // namespace

Highlights find_highlights(std::span<const Row> rows) {
  Highlights out;
  for (const Row& row : rows) {
    if (!row.valid || !trade_off(row, Metric::MedianIntvty)) continue;
    Highlights::Best& best = out.best[comparison_key(row)];
    const auto beats = [&](const Row* other, const char* key) {
      return other == nullptr || value_of(row, key) > value_of(*other, key);
    };
    if (beats(best.throughput, kThroughputKey)) best.throughput = &row;
    if (beats(best.interactivity, kInteractivityKey)) best.interactivity = &row;
  }
  const std::vector<std::string> by = {"hw", "framework"};
  out.frontier = frontiers(rows, Metric::MedianIntvty, by);
  return out;
}

std::string highlights_text(const Highlights& highlights) {
  std::string out;
  for (const auto& [kind, best] : highlights.best) {
    const auto& [exp_name, family, stand_in] = kind;
    out += "\nBest of " + printable(exp_name.empty() ? family : exp_name + ", " + family) +
           (stand_in.empty() ? "" : " (stand-in: " + printable(stand_in) + ")") + "\n" + best_lines(best);
  }
  if (out.empty()) return out;
  return out + "\nPareto frontier per hardware and framework: throughput per GPU over interactivity\n\n" +
         aligned_table(frontier_columns(), highlights.frontier);
}

nlohmann::ordered_json highlights_json(const Highlights& highlights) {
  const auto row = [](const Row* result) {
    const std::vector<const Row*> one = {result};
    return table_json(frontier_columns(), one).at(0);
  };
  nlohmann::ordered_json bests = nlohmann::ordered_json::array();
  for (const auto& [kind, best] : highlights.best) {
    const auto& [exp_name, family, stand_in] = kind;
    bests.push_back(
        {{"exp_name", exp_name},
         {"family", family},
         {"stand_in", stand_in.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(stand_in)},
         {kThroughputKey, row(best.throughput)},
         {kInteractivityKey, row(best.interactivity)}});
  }
  return {{"best", std::move(bests)}, {"frontier", table_json(frontier_columns(), highlights.frontier)}};
}

}  // namespace sweep::report
