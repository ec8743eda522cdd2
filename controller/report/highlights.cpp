#include "controller/report/highlights.hpp"

#include "controller/report/python_number.hpp"
#include "controller/report/table.hpp"
#include "proto/base/text.hpp"

namespace sweep::report {

namespace {

constexpr const char *kThroughput = "tput_per_gpu", *kInteractivity = "median_intvty";

double value_of(const Document& document, const char* key) {
  return number_of(document.json, key).value_or(0);
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
  return four_decimals(value_of(document, key));
}

std::string best_lines(const Highlights::Best& best) {
  const Document &most = *best.throughput, &fastest = *best.interactivity;
  return "  throughput per GPU  " + value(most, kThroughput) + " tok/s (" + value(most, kInteractivity) +
         " tok/s/user): " + who(most.json) + "\n  interactivity       " + value(fastest, kInteractivity) +
         " tok/s/user (" + value(fastest, kThroughput) + " tok/s per GPU): " + who(fastest.json) + "\n";
}

}  // namespace

Highlights find_highlights(std::span<const Document> documents) {
  Highlights out;
  for (const Document& document : documents) {
    if (!is_processed_result(document.json) || !trade_off(document.json, Metric::MedianIntvty)) continue;
    Highlights::Best& best = out.best[comparable(document)];
    const auto beats = [&](const Document* other, const char* key) {
      return other == nullptr || value_of(document, key) > value_of(*other, key);
    };
    if (beats(best.throughput, kThroughput)) best.throughput = &document;
    if (beats(best.interactivity, kInteractivity)) best.interactivity = &document;
  }
  const std::vector<std::string> by = {"hw", "framework"};
  out.frontier = frontiers(documents, Metric::MedianIntvty, by);
  return out;
}

std::string highlights_text(const Highlights& highlights) {
  std::string out;
  for (const auto& [kind, best] : highlights.best) {
    const auto& [exp_name, family, stand_in] = kind;
    out += "\nBest of " + printable(exp_name.empty() ? family : exp_name + ", " + family) +
           (stand_in.empty() ? "" : ", a stand-in (" + printable(stand_in) + ")") + "\n" + best_lines(best);
  }
  if (out.empty()) return out;
  return out + "\nPareto frontier of each hardware and framework, throughput per GPU over interactivity\n\n" +
         aligned_table(frontier_columns(), highlights.frontier);
}

nlohmann::ordered_json highlights_json(const Highlights& highlights) {
  const auto row = [](const Document* document) {
    const std::vector<const Document*> one = {document};
    return table_json(frontier_columns(), one).at(0);
  };
  nlohmann::ordered_json bests = nlohmann::ordered_json::array();
  for (const auto& [kind, best] : highlights.best) {
    const auto& [exp_name, family, stand_in] = kind;
    bests.push_back(
        {{"exp_name", exp_name},
         {"family", family},
         {"stand_in", stand_in.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(stand_in)},
         {kThroughput, row(best.throughput)},
         {kInteractivity, row(best.interactivity)}});
  }
  return {{"best", std::move(bests)}, {"frontier", table_json(frontier_columns(), highlights.frontier)}};
}

}  // namespace sweep::report
