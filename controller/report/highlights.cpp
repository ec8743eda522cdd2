#include "controller/report/highlights.hpp"

#include <array>
#include <map>

#include "controller/report/frontier.hpp"
#include "controller/report/python_number.hpp"
#include "controller/report/stand_in.hpp"
#include "controller/report/table.hpp"
#include "proto/base/text.hpp"

namespace sweep::report {

namespace {

const std::vector<std::string> kBy = {"hw", "framework"};

struct Best {
  const Document *throughput = nullptr, *interactivity = nullptr;
};

// By experiment, model family and what stood in for the hardware. Of equal results the first counts.
using Bests = std::map<std::array<std::string, 3>, Best>;

double at(const Document& document, Metric metric, bool throughput) {
  const auto place = trade_off(document.json, metric);
  return throughput ? place->y : place->x;
}

Bests find_bests(std::span<const Document> documents) {
  constexpr Metric kMetric = Metric::MedianIntvty;
  Bests out;
  for (const Document& document : documents) {
    if (!is_processed_result(document.json) || !trade_off(document.json, kMetric)) continue;
    Best& best = out[{document.exp_name, model_family(text_of(document.json, "model", "unknown")),
                      stand_in(document.json).value_or("")}];
    if (!best.throughput || at(document, kMetric, true) > at(*best.throughput, kMetric, true))
      best.throughput = &document;
    if (!best.interactivity || at(document, kMetric, false) > at(*best.interactivity, kMetric, false))
      best.interactivity = &document;
  }
  return out;
}

// "B200 sglang fp4 tp4 ep1 conc64"
std::string who(const nlohmann::ordered_json& result) {
  return printable(ascii_upper(group_text(result, "hw")) + " " + group_text(result, "framework") + " " +
                   group_text(result, "precision") + " tp" + text_of(result, "tp", "?") + " ep" +
                   text_of(result, "ep", "?") + " conc" + text_of(result, "conc", "?") +
                   (text_of(result, "dp_attention", "false") == "true" ? " dp-attention" : "") + ", " +
                   text_of(result, "model", "unknown"));
}

std::string value(const Document& document, const char* key) {
  return four_decimals(number_of(document.json, key).value_or(0));
}

std::string best_lines(const Best& best) {
  const Document &most = *best.throughput, &fastest = *best.interactivity;
  return "  throughput per GPU  " + value(most, "tput_per_gpu") + " tok/s (" + value(most, "median_intvty") +
         " tok/s/user): " + who(most.json) + "\n  interactivity       " + value(fastest, "median_intvty") +
         " tok/s/user (" + value(fastest, "tput_per_gpu") + " tok/s per GPU): " + who(fastest.json) + "\n";
}

}  // namespace

std::string highlights_text(std::span<const Document> documents) {
  std::string out;
  for (const auto& [name, best] : find_bests(documents)) {
    const auto& [exp_name, family, stand_in] = name;
    out += "\nBest of " + printable(exp_name.empty() ? family : exp_name + ", " + family) +
           (stand_in.empty() ? "" : ", a stand-in (" + printable(stand_in) + ")") + "\n" + best_lines(best);
  }
  if (out.empty()) return out;
  const auto frontier = frontiers(documents, Metric::MedianIntvty, kBy);
  return out + "\nPareto frontier of each hardware and framework, throughput per GPU over interactivity\n\n" +
         aligned_table(frontier_columns(), frontier);
}

nlohmann::ordered_json highlights_json(std::span<const Document> documents) {
  const auto row = [](const Document* document) {
    const std::vector<const Document*> one = {document};
    return table_json(frontier_columns(), one).at(0);
  };
  nlohmann::ordered_json bests = nlohmann::ordered_json::array();
  for (const auto& [name, best] : find_bests(documents)) {
    bests.push_back(
        {{"exp_name", name[0]},
         {"family", name[1]},
         {"stand_in", name[2].empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(name[2])},
         {"tput_per_gpu", row(best.throughput)},
         {"median_intvty", row(best.interactivity)}});
  }
  const auto frontier = frontiers(documents, Metric::MedianIntvty, kBy);
  return {{"best", std::move(bests)}, {"frontier", table_json(frontier_columns(), frontier)}};
}

}  // namespace sweep::report
