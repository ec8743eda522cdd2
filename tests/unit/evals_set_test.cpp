// controller/evals/eval_set: which results of an evaluation count.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/evals_samples.hpp"

namespace sweep::evals {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

EvalSet set_of(Json meta, std::vector<std::pair<std::string, std::int64_t>> files) {
  EvalSet out{"e", std::move(meta), {}};
  for (const auto& [name, modified] : files)
    out.results.push_back({"e/" + name, modified, sample_result()});
  return out;
}

std::vector<std::string> chosen(const EvalSet& set) {
  std::vector<std::string> out;
  for (const ChosenResult& result : chosen_results(set).results)
    out.push_back(result.result->path + (result.conc ? " " + std::to_string(*result.conc) : ""));
  return out;
}

TEST(EvalSet, ConcurrencyIsTheNumberAtTheEndOfTheName) {
  EXPECT_EQ(concurrency_in_name("a/results_conc16.json"), 16);
  EXPECT_EQ(concurrency_in_name("results_x_conc4_2.json"), 4);
  EXPECT_EQ(concurrency_in_name("results_conc4_conc8.json"), 8);
  for (const char* other :
       {"results.json", "results_conc16.jsonl", "results_conc.json", "results_conc16_.json",
        "results_conc16x.json", "results_conc16_2_3.json", "a_conc16.json/results.json"})
    EXPECT_EQ(concurrency_in_name(other), std::nullopt) << other;
}

TEST(EvalSet, NewestResultCountsWhateverItsName) {
  EXPECT_THAT(chosen(set_of(sample_meta(), {{"results_1.json", 20}, {"results_2.json", 10}})),
              ElementsAre("e/results_1.json"));
  EXPECT_THAT(chosen(set_of(sample_meta(), {{"results_1.json", 10}, {"results_2.json", 10}})),
              ElementsAre("e/results_2.json"))
      << "of the same time, the last name";
  EXPECT_THAT(chosen(set_of(sample_meta(), {})), IsEmpty());
}

TEST(EvalSet, BatchHasTheNewestResultOfEachCompletedConcurrency) {
  Json meta = sample_meta();
  meta["eval_concs"] = {16, 64, 256};
  meta["completed_eval_concs"] = {64, "16"};
  const EvalSet set = set_of(meta, {{"r_conc64.json", 1},
                                    {"r_conc16.json", 5},
                                    {"r_conc16_2.json", 4},
                                    {"r_conc256.json", 1},
                                    {"results.json", 9}});
  EXPECT_THAT(chosen(set), ElementsAre("e/r_conc16.json 16", "e/r_conc64.json 64"));
  EXPECT_THAT(chosen_results(set).notes,
              ElementsAre(HasSubstr("left out 'e/results.json': the set is a batch"),
                          HasSubstr("left out 'e/r_conc256.json': concurrency 256")));
}

TEST(EvalSet, BatchWithoutCompletedConcurrenciesHasAllThatWereAskedFor) {
  Json meta = sample_meta();
  meta["eval_concs"] = {16, 64};
  const EvalSet set = set_of(meta, {{"r_conc16.json", 1}, {"r_conc8.json", 1}});
  EXPECT_THAT(chosen(set), ElementsAre("e/r_conc16.json 16"));
  EXPECT_THAT(chosen_results(set).notes, testing::Contains("'e' has no result for concurrency 64, which "
                                                           "meta_env.json lists as completed"));
  meta["completed_eval_concs"] = nullptr;
  EXPECT_THAT(chosen(set_of(meta, {{"r_conc16.json", 1}, {"r_conc8.json", 1}})),
              ElementsAre("e/r_conc8.json 8", "e/r_conc16.json 16"))
      << "null does not restrict them";
}

}  // namespace
}  // namespace sweep::evals
