// report/validity: what makes a result one that is not to be trusted, and what does not.
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

Json sound() {
  return {{"num_prompts", 100},
          {"completed", 100},
          {"total_input_tokens", 92'160},
          {"total_output_tokens", 900},
          {"client_bound", false}};
}

std::vector<std::string> says(const Json& result, const Account& account = {}) {
  return doubts(result, {1024, 0.8}, account);
}

TEST(Validity, ASoundResultHasNone) {
  EXPECT_THAT(says(sound()), IsEmpty());
}

TEST(Validity, WhatAClientDoesNotTellIsNotHeldAgainstIt) {
  EXPECT_THAT(says(Json::object()), IsEmpty());
  EXPECT_THAT(says({{"completed", "many"}, {"total_output_tokens", nullptr}, {"client_bound", "yes"}}),
              IsEmpty());
}

TEST(Validity, NoOutputToken) {
  Json none = sound();
  none["total_output_tokens"] = 0;
  EXPECT_THAT(says(none), ElementsAre("no-output: there is no output token"));
}

TEST(Validity, MoreThanFivePercentFailed) {
  Json some = sound();
  some["completed"] = 95;
  some["total_input_tokens"] = 95 * 921.6;
  EXPECT_THAT(says(some), IsEmpty()) << "five percent may";
  some["completed"] = 94;
  some["total_input_tokens"] = 94 * 921.6;
  EXPECT_THAT(says(some), ElementsAre("failures: 6 of 100 requests failed, more than 5.0 %"));
}

TEST(Validity, TheMeanPromptAgainstWhatOurClientAskedFor) {
  Json own = sound();
  own["requested_input_tokens"] = 100'000;
  own["total_input_tokens"] = 102'000;
  EXPECT_THAT(says(own), IsEmpty()) << "two percent may be";
  own["total_input_tokens"] = 102'100;
  EXPECT_THAT(
      says(own),
      ElementsAre("input-length: prompts had 1021.0 tokens on average and not 1000.0, 2.1 % more than "
                  "was asked for"));
  own["total_input_tokens"] = 97'900;
  EXPECT_THAT(says(own), ElementsAre(HasSubstr("2.1 % less")));
}

// 1024 * 0.9 = 921.6 on average, standard error of 100 draws 1024 * 0.2 / sqrt(12) / 10 = 5.9.
TEST(Validity, TheMeanPromptOfOtherClientsHasRoomForChance) {
  Json other = sound();
  other["total_input_tokens"] = (921.6 * 1.02 + 3 * 5.91) * 100;
  EXPECT_THAT(says(other), IsEmpty());
  other["total_input_tokens"] = (921.6 * 1.02 + 3 * 5.92) * 100;
  EXPECT_THAT(says(other), ElementsAre(StartsWith("input-length: ")));
  other["total_input_tokens"] = 1024 * 100;
  EXPECT_THAT(says(other), ElementsAre(StartsWith("input-length: ")))
      << "all of full length: another ratio than asked";
  EXPECT_THAT(doubts(other, {1024, 1.0}, {}), IsEmpty());
}

TEST(Validity, AClientThatWasTheLimitSaysWhy) {
  Json bound = sound();
  bound["client_bound"] = true;
  EXPECT_THAT(says(bound), ElementsAre(StartsWith("client-bound: the client")));
  bound["client_bound_reason"] = "read lag p99 40 ms\x1b";
  EXPECT_THAT(says(bound), ElementsAre("client-bound: read lag p99 40 ms?"));
}

TEST(Validity, WhatTheAgentSawCountsAndWhatTheProfileIgnoresDoesNot) {
  Account account;
  account.flaws = {"gpus-busy: GPU 3 is used by 1 other process", "node-shared: not exclusive"};
  const auto all = says(sound(), account);
  EXPECT_THAT(all, testing::SizeIs(2));
  EXPECT_THAT(without(all, std::vector<std::string>{"node-shared"}), ElementsAre(StartsWith("gpus-busy: ")));
  EXPECT_THAT(without(all, std::vector<std::string>{"node"}), testing::SizeIs(2)) << "words are whole";
}

TEST(Validity, EveryReasonBeginsWithAKnownWord) {
  Json bad = sound();
  bad["completed"] = 50;
  bad["total_output_tokens"] = 0;
  bad["client_bound"] = true;
  const auto reasons = says(bad);
  EXPECT_EQ(reasons.size(), 4u);
  for (const std::string& reason : reasons) {
    const std::string word = reason.substr(0, reason.find(':'));
    EXPECT_NE(std::find(kDoubts.begin(), kDoubts.end(), word), kDoubts.end()) << reason;
  }
}

// ---- what becomes of it

Document document(double intvty, bool valid) {
  Json json = processed({}).json;
  json["median_intvty"] = intvty;
  json["tput_per_gpu"] = intvty;
  mark_validity(json, valid ? std::vector<std::string>() : std::vector<std::string>{"failures: many"});
  return {"x.json", json};
}

TEST(Validity, EveryRecordSaysWhetherItIsValidAndIsReadBack) {
  EXPECT_EQ(document(1, true).json["valid"], true);
  EXPECT_FALSE(document(1, true).json.contains("invalid_reasons"));
  EXPECT_EQ(document(1, false).json["valid"], false);
  EXPECT_EQ(document(1, false).json["invalid_reasons"], (Json{"failures: many"}));
  EXPECT_FALSE(make_row(document(1, false)).valid);
  EXPECT_TRUE(make_row(document(1, true)).valid);
  EXPECT_TRUE(make_row({"x.json", processed({}).json}).valid) << "InferenceMAX's say nothing of it";
}

TEST(Validity, ItIsNoBestOfAnythingAndOnNoFrontier) {
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

TEST(Validity, TheNoteCounts) {
  const auto rows = rows_of(std::vector{document(100, true), document(900, false)});
  std::vector<const Row*> all = {&rows[0], &rows[1]};
  EXPECT_THAT(validity_note(all), StartsWith("Not valid: 1 of 2 results; "));
  all.pop_back();
  EXPECT_EQ(validity_note(all), "");
}

}  // namespace
}  // namespace sweep::report
