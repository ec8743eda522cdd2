// controller/evals/batch: whether an evaluation at several concurrencies is complete.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/evals/batch.hpp"
#include "tests/unit/evals_samples.hpp"

namespace sweep::evals {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;
using Concurrencies = std::optional<std::vector<std::int64_t>>;

Json batch(std::vector<int> listed, std::vector<int> completed, std::vector<int> failed = {}) {
  Json meta = sample_meta();
  meta["eval_concs"] = listed;
  meta["completed_eval_concs"] = completed;
  meta["failed_eval_concs"] = failed;
  return meta;
}

std::vector<std::string> problems(const Json& meta, std::vector<std::string> paths,
                                  const Concurrencies& expected = std::nullopt) {
  return batch_problems(Expected<Json>(meta), "meta_env.json", paths, expected);
}

TEST(Concurrencies, AreUniquePositiveIntegers) {
  EXPECT_EQ(parse_concurrencies(" 16\t64 "), (std::vector<std::int64_t>{16, 64}));
  for (const char* bad : {"", " ", "4 4", "0", "-1", "x", "4,8", "4.0"})
    EXPECT_EQ(parse_concurrencies(bad), std::nullopt) << bad;
}

TEST(Batch, CompleteBatchHasNoProblem) {
  EXPECT_THAT(problems(batch({16, 64}, {64, 16}), {"a_conc16.json", "a_conc64.json"}), IsEmpty());
  EXPECT_THAT(problems(batch({16, 64}, {64, 16}), {"a_conc16.json", "a_conc64.json"}, {{64, 16}}), IsEmpty());
}

TEST(Batch, FailedAndMissingConcurrenciesAreNamed) {
  EXPECT_THAT(problems(batch({16, 64, 4}, {16}, {64}), {"a_conc16.json"}),
              ElementsAre("batched eval failed for concurrency: 64",
                          "batched eval is missing completed concurrency: 4, 64",
                          "batched eval is missing result files for concurrency: 4, 64"));
}

TEST(Batch, SurplusConcurrenciesAndFilesAreNamed) {
  EXPECT_THAT(problems(batch({16}, {16, 32}), {"a_conc16.json", "b.json", "a_conc8.json"}),
              ElementsAre("batched eval completed unexpected concurrency: 32",
                          "batched eval result lacks a concurrency suffix: b.json",
                          "batched eval has unexpected result files for concurrency: 8"));
}

TEST(Batch, DuplicatesAndOtherRequestsAreNamed) {
  EXPECT_THAT(problems(batch({16, 16}, {16, 16}), {"a_conc16.json"}, {{16}}),
              ElementsAre("batched eval metadata contains duplicate expected concurrencies",
                          "batched eval metadata contains duplicate completed concurrencies"));
  EXPECT_THAT(problems(batch({16}, {16}), {"a_conc16.json"}, {{64}}),
              testing::Contains("batched eval metadata does not match workflow concurrencies"));
}

TEST(Batch, ListsMustBeListsOfPositiveIntegers) {
  Json meta = batch({16}, {16});
  meta.erase("failed_eval_concs");
  EXPECT_THAT(problems(meta, {"a_conc16.json"}),
              ElementsAre("batched eval metadata must contain list-valued concurrency fields"));
  for (const Json& value : {Json("16"), Json(0), Json(16.0), Json(nullptr)}) {
    meta = batch({16}, {16});
    meta["completed_eval_concs"] = Json::array({value});
    EXPECT_THAT(problems(meta, {"a_conc16.json"}),
                ElementsAre("batched eval metadata contains an invalid concurrency"))
        << value;
  }
}

TEST(Batch, SingleEvaluationMustHaveTheRequestedConcurrency) {
  EXPECT_THAT(problems(sample_meta(), {}), IsEmpty());
  EXPECT_THAT(problems(sample_meta(), {"results.json"}, {{64}}), IsEmpty());
  EXPECT_THAT(problems(sample_meta(), {"a.json", "b.json"}, {{32}}),
              ElementsAre("eval metadata concurrency does not match workflow request",
                          "eval must produce exactly one result file"));
  EXPECT_THAT(problems(sample_meta(), {"a.json"}, {{32, 64}}),
              ElementsAre("workflow requested multiple concurrencies but batched eval metadata is missing"));
  EXPECT_THAT(problems(Json::array(), {"a.json"}, {{32}}),
              ElementsAre("eval metadata concurrency does not match workflow request"));
}

TEST(Batch, UnreadableMetaIsAProblemOnlyForABatch) {
  const Expected<Json> unreadable = fail("no such file");
  const std::vector<std::string> batch_paths = {"a_conc16.json"}, plain = {"a.json"};
  EXPECT_THAT(batch_problems(unreadable, "m.json", plain, std::nullopt), IsEmpty());
  EXPECT_THAT(
      batch_problems(unreadable, "m.json", batch_paths, std::nullopt),
      ElementsAre("batched eval result files exist but m.json is unavailable or invalid: no such file"));
  EXPECT_THAT(batch_problems(unreadable, "m.json", plain, {{16}}),
              ElementsAre(StartsWith("batched eval result")));
}

}  // namespace
}  // namespace sweep::evals
