// controller/report/validity: which results are not valid, and what follows from that.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/report/highlights.hpp"
#include "controller/report/plot_model.hpp"
#include "controller/report/validity.hpp"
#include "tests/unit/report_samples.hpp"
#include "util/json.hpp"

namespace sweep::report {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;
using Json = nlohmann::ordered_json;

Json valid_result() {
  return {{"num_prompts", 100},
          {"completed", 100},
          {"total_input_tokens", 92'160},
          {"total_output_tokens", 900},
          {"client_bound", false}};
}

std::vector<std::string> reasons_of(const Json& result, const Account& account = {}) {
  return doubts(result, {1024, 0.8}, account);
}

TEST(Validity, ValidResultHasNoReasons) {
  EXPECT_THAT(reasons_of(valid_result()), IsEmpty());
}

TEST(Validity, MissingValuesAreNotDoubted) {
  EXPECT_THAT(reasons_of(Json::object()), IsEmpty());
  EXPECT_THAT(reasons_of({{"completed", "many"}, {"total_output_tokens", nullptr}, {"client_bound", "yes"}}),
              IsEmpty());
}

TEST(Validity, RejectsResultWithoutOutputTokens) {
  Json none = valid_result();
  none["total_output_tokens"] = 0;
  EXPECT_THAT(reasons_of(none), ElementsAre("no-output: the responses have no output tokens"));
}

TEST(Validity, RejectsMoreThanFivePercentFailures) {
  Json some = valid_result();
  some["completed"] = 95;
  some["total_input_tokens"] = 95 * 921.6;
  EXPECT_THAT(reasons_of(some), IsEmpty()) << "five percent may fail";
  some["completed"] = 94;
  some["total_input_tokens"] = 94 * 921.6;
  EXPECT_THAT(reasons_of(some), ElementsAre("failures: 6 of 100 requests failed, more than 5.0 %"));
}

TEST(Validity, ComparesMeanInputWithSweepBenchsRequest) {
  Json own = valid_result();
  own["requested_input_tokens"] = 100'000;
  own["total_input_tokens"] = 102'000;
  EXPECT_THAT(reasons_of(own), IsEmpty()) << "a deviation of two percent is valid";
  own["total_input_tokens"] = 102'100;
  EXPECT_THAT(
      reasons_of(own),
      ElementsAre(
          "input-length: prompts had 1021.0 tokens on average instead of 1000.0, 2.1 % more than requested"));
  own["total_input_tokens"] = 97'900;
  EXPECT_THAT(reasons_of(own), ElementsAre(HasSubstr("2.1 % less")));
}

// 1024 * 0.9 = 921.6 on average, standard error of 100 draws 1024 * 0.2 / sqrt(12) / 10 = 5.9.
TEST(Validity, ComparesMeanInputOfOtherClientsWithATolerance) {
  Json other = valid_result();
  other["total_input_tokens"] = (921.6 * 1.02 + 3 * 5.91) * 100;
  EXPECT_THAT(reasons_of(other), IsEmpty());
  other["total_input_tokens"] = (921.6 * 1.02 + 3 * 5.92) * 100;
  EXPECT_THAT(reasons_of(other), ElementsAre(StartsWith("input-length: ")));
  other["total_input_tokens"] = 1024 * 100;
  EXPECT_THAT(reasons_of(other), ElementsAre(StartsWith("input-length: ")))
      << "all prompts have the full length, so the ratio was ignored";
  EXPECT_THAT(doubts(other, {1024, 1.0}, {}), IsEmpty());
}

TEST(Validity, ClientBoundResultHasTheClientsReason) {
  Json bound = valid_result();
  bound["client_bound"] = true;
  EXPECT_THAT(reasons_of(bound), ElementsAre(StartsWith("client-bound: the client")));
  bound["client_bound_reason"] = "read lag p99 40 ms\x1b";
  EXPECT_THAT(reasons_of(bound), ElementsAre("client-bound: read lag p99 40 ms?"));
}

TEST(Validity, AgentsFlawsCountUnlessIgnored) {
  Account account;
  account.flaws = {"gpus-busy: GPU 3 is used by 1 other process", "node-shared: not exclusive"};
  const auto all = reasons_of(valid_result(), account);
  EXPECT_THAT(all, testing::SizeIs(2));
  EXPECT_THAT(without(all, std::vector<std::string>{"node-shared"}), ElementsAre(StartsWith("gpus-busy: ")));
  EXPECT_THAT(without(all, std::vector<std::string>{"node"}), testing::SizeIs(2)) << "only whole words match";
}

TEST(Validity, EveryReasonStartsWithAKnownWord) {
  Json bad = valid_result();
  bad["completed"] = 50;
  bad["total_output_tokens"] = 0;
  bad["client_bound"] = true;
  const auto reasons = reasons_of(bad);
  EXPECT_EQ(reasons.size(), 4u);
  for (const std::string& reason : reasons) {
    const std::string word = reason.substr(0, reason.find(':'));
    EXPECT_NE(std::find(kDoubts.begin(), kDoubts.end(), word), kDoubts.end()) << reason;
  }
}

// ---- the treatment of invalid results

Document document(double intvty, bool valid) {
  Json json = processed({}).json;
  json["median_intvty"] = intvty;
  json["tput_per_gpu"] = intvty;
  mark_validity(json, valid ? std::vector<std::string>() : std::vector<std::string>{"failures: many"});
  return {"x.json", json};
}

TEST(Validity, ProcessedResultRecordsItsValidity) {
  EXPECT_EQ(document(1, true).json["valid"], true);
  EXPECT_FALSE(document(1, true).json.contains("invalid_reasons"));
  EXPECT_EQ(document(1, false).json["valid"], false);
  EXPECT_EQ(document(1, false).json["invalid_reasons"], (Json{"failures: many"}));
  EXPECT_FALSE(make_row(document(1, false)).valid);
  EXPECT_TRUE(make_row(document(1, true)).valid);
  EXPECT_TRUE(make_row({"x.json", processed({}).json}).valid) << "results of InferenceMAX have no such key";
}

TEST(Validity, InvalidResultIsNeitherBestNorOnAFrontier) {
  const auto rows = rows_of(std::vector{document(100, true), document(900, false)});
  const Highlights best = find_highlights(rows);
  ASSERT_EQ(best.best.size(), 1u);
  EXPECT_EQ(best.best.begin()->second.throughput, &rows[0]);
  EXPECT_THAT(best.frontier, ElementsAre(&rows[0]));
  const auto drawn = families(rows, "exp");
  const auto& points = drawn[0].series[0].points[Metric::MedianIntvty];
  ASSERT_EQ(points.size(), 2u);
  EXPECT_TRUE(points[0].valid);
  EXPECT_FALSE(points[1].valid);
  EXPECT_FALSE(points[1].on_frontier);
  EXPECT_EQ(drawn[0].frontiers[Metric::MedianIntvty][0].points.size(), 1u);
}

TEST(Validity, NoteCountsInvalidResults) {
  const auto rows = rows_of(std::vector{document(100, true), document(900, false)});
  std::vector<const Row*> all = {&rows[0], &rows[1]};
  EXPECT_THAT(validity_note(all), StartsWith("Not valid: 1 of 2 results; "));
  all.pop_back();
  EXPECT_EQ(validity_note(all), "");
}

}  // namespace
}  // namespace sweep::report
