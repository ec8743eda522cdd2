// controller/report/validity: which results are not valid, and what follows from that.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "controller/report/highlights.hpp"
#include "controller/report/plot_model.hpp"
#include "controller/report/validity.hpp"
#include "tests/unit/report_samples.hpp"
#include "util/json.hpp"

namespace sweep::report {
namespace {

using testing::AllOf;
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
  EXPECT_THAT(reasons_of(none),
              ElementsAre("no-output: the responses have no output tokens (total_output_tokens 0)"));
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
  EXPECT_THAT(reasons_of(other), IsEmpty()) << "all prompts have the full length";
  EXPECT_THAT(doubts(other, {1024, 1.0}, {}), IsEmpty());
  other["total_input_tokens"] = 128 * 100;
  EXPECT_THAT(
      reasons_of(other),
      ElementsAre("input-length: prompts had 128.0 tokens on average instead of 921.6 (mean with "
                  "RANDOM_RANGE_RATIO 0.8) or 1024.0 (ISL), 86.1 % less than requested; give the client "
                  "--random-input-len \"$ISL\" --random-range-ratio \"$RANDOM_RANGE_RATIO\""));
  other["total_input_tokens"] = 2048 * 100;
  EXPECT_THAT(reasons_of(other), ElementsAre(HasSubstr(", 100.0 % more than requested")));
}

// ---- the result is held against the point, not against what its client was told to do

const RequestedLoad kPoint{1024, 0.8, 1024, 16, "nvidia/DeepSeek-R1-0528-FP4-V2"};

Json result_of_point() {
  return {{"model_id", "nvidia/DeepSeek-R1-0528-FP4-V2"},
          {"num_prompts", 160},
          {"request_rate", "inf"},
          {"max_concurrency", 16},
          {"completed", 160},
          {"total_input_tokens", 147'456},
          {"total_output_tokens", 147'456},
          {"requested_input_tokens", 147'456},
          {"requested_output_tokens", 147'456}};
}

std::vector<std::string> reasons_with(const std::string& key, const Json& value) {
  Json result = result_of_point();
  result[key] = value;
  return doubts(result, kPoint, {});
}

TEST(Validity, ResultOfThePointIsValid) {
  EXPECT_THAT(doubts(result_of_point(), kPoint, {}), IsEmpty());
}

TEST(Validity, ClientThatAskedForOtherLengthsMeasuredAnotherLoad) {
  Json result = result_of_point();
  for (const char* key : {"total_input_tokens", "requested_input_tokens"})
    result[key] = 128 * 160;
  for (const char* key : {"total_output_tokens", "requested_output_tokens"})
    result[key] = 32 * 160;
  EXPECT_THAT(doubts(result, kPoint, {}),
              ElementsAre(StartsWith("other-load: the client asked for prompts of 128.0 tokens on average "
                                     "instead of 921.6 (mean with RANDOM_RANGE_RATIO 0.8) or 1024.0 (ISL)"),
                          StartsWith("other-load: the client asked for outputs of 32.0 tokens on average "
                                     "instead of 921.6 (mean with RANDOM_RANGE_RATIO 0.8) or 1024.0 (OSL)")));
}

TEST(Validity, FarTooShortOutputsAreDoubted) {
  EXPECT_THAT(
      reasons_with("total_output_tokens", 160),
      ElementsAre("output-length: outputs had 1.0 tokens on average instead of 921.6; ask the client to "
                  "ignore the end-of-sequence token (--ignore-eos)"));
  EXPECT_THAT(reasons_with("total_output_tokens", 147'456 * 0.91), IsEmpty());
  EXPECT_THAT(reasons_with("total_output_tokens", 147'456 * 0.89),
              ElementsAre(StartsWith("output-length: ")));
  EXPECT_THAT(reasons_with("total_output_tokens", 147'456 * 1.2), ElementsAre(StartsWith("output-length: ")));
  EXPECT_THAT(reasons_with("total_output_tokens", 0), ElementsAre(StartsWith("no-output: ")));
}

TEST(Validity, OutputsOfOtherClientsAreHeldAgainstThePoint) {
  Json other = result_of_point();
  other.erase("requested_input_tokens");
  other.erase("requested_output_tokens");
  EXPECT_THAT(doubts(other, kPoint, {}), IsEmpty());
  other["total_output_tokens"] = 1024 * 160;
  EXPECT_THAT(doubts(other, kPoint, {}), IsEmpty()) << "all outputs have the full length";
  other["total_output_tokens"] = 160;
  EXPECT_THAT(
      doubts(other, kPoint, {}),
      ElementsAre(StartsWith("output-length: outputs had 1.0 tokens on average instead of 921.6 (mean "
                             "with RANDOM_RANGE_RATIO 0.8) or 1024.0 (OSL); give the client "
                             "--random-output-len \"$OSL\"")));
}

TEST(Validity, ConcurrencyPromptsAndRateAreHeldAgainstThePoint) {
  EXPECT_THAT(reasons_with("max_concurrency", 8),
              ElementsAre(StartsWith("other-load: max_concurrency 8 instead of 16; ")));
  EXPECT_THAT(
      reasons_with("request_rate", 0.5),
      ElementsAre(StartsWith("other-load: request_rate 0.5 instead of inf; give the client --request-rate")));
  EXPECT_THAT(reasons_with("num_prompts", 15),
              ElementsAre(AllOf(StartsWith("other-load: 15 prompts (num_prompts) instead of at least 16, "),
                                HasSubstr("--num-prompts \"$((CONC * 10))\""))));
  Json few = result_of_point();
  for (auto& [key, value] : few.items()) {
    if (key.ends_with("_tokens")) value = value.get<int>() / 10;
  }
  few["num_prompts"] = few["completed"] = 16;
  EXPECT_THAT(doubts(few, kPoint, {}), IsEmpty()) << "as many prompts as requests in flight are enough";
}

TEST(Validity, ModelIsHeldAgainstThePoint) {
  EXPECT_THAT(reasons_with("model_id", "meta/Llama-3"),
              ElementsAre("other-load: model_id 'meta/Llama-3' instead of 'nvidia/DeepSeek-R1-0528-FP4-V2' "
                          "(MODEL); give the client --model \"$MODEL\""));
  EXPECT_THAT(reasons_with("model_id", "nvidia/DeepSeek-R1-0528"), testing::SizeIs(1));
  for (const char* same : {"DeepSeek-R1-0528-FP4-V2", "/raid/models/deepseek-r1-0528-fp4-v2/",
                           "/hub/models--nvidia--DeepSeek-R1-0528-FP4-V2/snapshots/0123abc"})
    EXPECT_THAT(reasons_with("model_id", same), IsEmpty()) << same;
}

TEST(Validity, AgenticRecordIsHeldAgainstThePoint) {
  const Json record{{"conc", 16},
                    {"model", "nvidia/DeepSeek-R1-0528-FP4-V2"},
                    {"num_requests_total", 100},
                    {"num_requests_successful", 90}};
  const auto reasons = [&](const char* key, const Json& value) {
    Json other = record;
    other[key] = value;
    return agentic_doubts(other, kPoint);
  };
  EXPECT_THAT(agentic_doubts(record, kPoint), IsEmpty());
  EXPECT_THAT(reasons("conc", 8),
              ElementsAre("other-load: conc 8 instead of 16; give the client --concurrency \"$CONC\""));
  EXPECT_THAT(
      reasons("model", "meta/Llama-3"),
      ElementsAre("other-load: model 'meta/Llama-3' instead of 'nvidia/DeepSeek-R1-0528-FP4-V2' (MODEL); "
                  "give the client --model \"$MODEL\""));
  EXPECT_THAT(reasons("num_requests_successful", 89),
              ElementsAre("failures: 11 of 100 requests failed, more than 10.0 %"));
  EXPECT_THAT(agentic_doubts(Json::object(), kPoint), IsEmpty());
}

TEST(Validity, LoadThatTheClientDoesNotReportIsNotDoubted) {
  EXPECT_THAT(doubts(Json::object(), kPoint, {}), IsEmpty());
  EXPECT_THAT(doubts({{"max_concurrency", "16"}, {"request_rate", nullptr}, {"model_id", 7}}, kPoint, {}),
              IsEmpty());
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

TEST(Validity, EveryWordIsDocumentedAndNoOther) {
  std::ifstream file(std::string(SWEEP_SOURCE_DIR) + "/docs/results.md");
  std::vector<std::string> documented;
  bool in_table = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("## ")) in_table = line == "## Validity";
    if (in_table && line.starts_with("| `")) documented.push_back(line.substr(3, line.find('`', 3) - 3));
  }
  EXPECT_THAT(documented, testing::ElementsAreArray(kDoubts));
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
