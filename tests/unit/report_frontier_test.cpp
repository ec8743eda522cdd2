// controller/report/frontier: the Pareto frontier, and which results are compared.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "controller/report/frontier.hpp"
#include "tests/unit/report_samples.hpp"
#include "util/json.hpp"

namespace sweep::report {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<double> xs_of_frontier(const std::vector<TradeOff>& points, Metric metric) {
  std::vector<double> xs;
  for (const std::size_t index : pareto_frontier(points, metric))
    xs.push_back(points[index].x);
  return xs;
}

TEST(Frontier, ContainsThePointsThatNoOtherPointBeats) {
  const std::vector<TradeOff> points = {{5, 50}, {1, 10}, {3, 20}, {2, 30}, {4, 30}, {2, 5}};
  EXPECT_THAT(xs_of_frontier(points, Metric::MedianE2el), ElementsAre(1, 2, 5));
  EXPECT_THAT(xs_of_frontier(points, Metric::MedianIntvty), ElementsAre(5));
  const std::vector<TradeOff> falling = {{1, 50}, {2, 30}, {3, 40}, {4, 10}};
  EXPECT_THAT(xs_of_frontier(falling, Metric::MedianIntvty), ElementsAre(1, 3, 4));
  EXPECT_THAT(xs_of_frontier({}, Metric::MedianIntvty), IsEmpty());
  EXPECT_THAT(pareto_frontier(std::vector<TradeOff>{{1, 1}, {1, 1}}, Metric::MedianE2el), ElementsAre(0));
}

TEST(Frontier, FindsMetricByKey) {
  EXPECT_EQ(metric_of("median_e2el"), Metric::MedianE2el);
  EXPECT_EQ(metric_of("median_intvty"), Metric::MedianIntvty);
  EXPECT_EQ(metric_of("median_ttft"), std::nullopt);
}

// Returns the concurrencies of the results on the frontiers.
std::vector<int> concs(const std::vector<Document>& documents, const std::vector<std::string>& by,
                       Metric metric = Metric::MedianIntvty) {
  std::vector<int> out;
  const std::vector<Row> rows = rows_of(documents);
  for (const Row* row : frontiers(rows, metric, by))
    out.push_back((*row)["conc"].json().get<int>());
  return out;
}

const std::vector<Document> kTwoFrameworks = {
    processed({.framework = "trt", .conc = 1, .interactivity = 90, .throughput = 500}),
    processed({.framework = "sglang", .conc = 2, .interactivity = 100, .throughput = 900}),
    processed({.framework = "SGLang", .conc = 3, .interactivity = 50, .throughput = 950}),
    processed({.framework = "sglang", .conc = 4, .interactivity = 50, .throughput = 900})};

TEST(Frontier, ThereIsOnePerValueOfTheGroupKeys) {
  EXPECT_THAT(concs(kTwoFrameworks, {"hw", "framework"}), ElementsAre(3, 2, 1))
      << "the frontier of sglang, then that of trt";
  EXPECT_THAT(concs(kTwoFrameworks, {}), ElementsAre(3, 2)) << "sglang beats trt";
  EXPECT_THAT(concs(kTwoFrameworks, {"framework"}, Metric::MedianE2el), ElementsAre(3, 1))
      << "all have a latency of 8 s";
}

TEST(Frontier, ModelsAndExperimentsAreNotCompared) {
  std::vector<Document> documents = {
      processed({.conc = 1, .interactivity = 100, .throughput = 900}),
      processed({.model = "openai/gpt-oss-120b", .conc = 2, .interactivity = 50, .throughput = 100}),
      processed({.model = "nvidia/DeepSeek-R1-FP4", .conc = 3, .interactivity = 50, .throughput = 100}),
      processed({.conc = 4, .interactivity = 50, .throughput = 100})};
  documents[3].exp_name = "dsr1_8k1k";
  EXPECT_THAT(concs(documents, {}), ElementsAre(1, 2, 4)) << "1 beats 3, which is of the same family";
}

TEST(Frontier, ResultsWithoutTheValuesAreExcluded) {
  Document none = processed({.conc = 1});
  none.json.erase("median_intvty");
  Document infinite = processed({.conc = 2});
  infinite.json["tput_per_gpu"] = std::numeric_limits<double>::infinity();
  Document list{"", Json::parse("[1]")};
  EXPECT_THAT(concs({none, infinite, list, processed({.conc = 3})}, {"hw"}), ElementsAre(3));
}

TEST(Frontier, MissingGroupValueIsTheContractsDefault) {
  Document bare = processed({});
  bare.json.erase("framework");
  bare.json.erase("precision");
  bare.json["hw"] = nullptr;
  const Row row = make_row(bare);
  EXPECT_EQ(group_text(row, "framework"), "vllm");
  EXPECT_EQ(group_text(row, "precision"), "fp8");
  EXPECT_EQ(group_text(row, "hw"), "unknown");
  EXPECT_EQ(group_text(row, "tp"), "8");
}

}  // namespace
}  // namespace sweep::report
