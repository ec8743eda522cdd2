// controller/ci: scores and queue tokens of jobs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/ci/compact_json.hpp"
#include "controller/ci/priority.hpp"
#include "util/json.hpp"

namespace sweep::ci {
namespace {

using nlohmann::ordered_json;
using testing::HasSubstr;

const std::string kPolicy = R"(version: 1
base-score: 1.0
adjustments:
  event: { push: 2 }
  multi-node: 1.25
  agentic: 1
  eval-only: -0.5
  precision: { fp4: 0.75 }
  spec-decoding: { mtp: 0.125 }
  framework-prefix: { sg: 8, sglang: 0.5, dynamo: -3.25 }
  model-prefix: { big: 0.0005 }
labels:
  skip-queue: { name: jump }
  checklist-complete: { names: [done], adjustment: 0.25 }
  patchwork: { names: [patch], score: 7, waived-by: [waived] }
)";

PriorityPolicy policy(const std::string& text = kPolicy) {
  return read_policy(text, "p.yaml").value();
}

std::string score(const ordered_json& job, const PriorityContext& context = {}) {
  return priority_of(job, policy(), context).value();
}

TEST(CiPriority, FactsOfAJobAddUp) {
  EXPECT_EQ(score({}), "1.000");
  EXPECT_EQ(score({}, {.event = "push"}), "3.000");
  EXPECT_EQ(score({{"prefill", {{"tp", 1}}}, {"scenario-type", "agentic-coding"}}), "3.250");
  EXPECT_EQ(score({{"prefill", nullptr}, {"scenario-type", "other"}}), "1.000");
  EXPECT_EQ(score({{"eval-only", true}}), "0.500");
  EXPECT_EQ(score({{"eval-only", "true"}}), "1.000") << "only a real true counts";
  EXPECT_EQ(score({{"precision", "fp4"}, {"spec-decoding", "mtp"}}), "1.875");
}

TEST(CiPriority, FirstFrameworkPrefixCountsAndModelsMatchExactly) {
  EXPECT_EQ(score({{"framework", "sglang"}}), "1.500");
  EXPECT_EQ(score({{"framework", "sglang-disagg"}}), "1.500");
  EXPECT_EQ(score({{"framework", "sg-lang"}}), "9.000");
  EXPECT_EQ(score({{"framework", "dynamo-sglang"}}), "-2.250");
  EXPECT_EQ(score({{"framework", "dynamos"}}), "1.000");
  EXPECT_EQ(score({{"model-prefix", "big"}}), "1.001") << "half a thousandth is rounded up";
  EXPECT_EQ(score({{"model-prefix", "big-2"}}), "1.000");
}

TEST(CiPriority, LabelsAdjustOrReplaceTheScore) {
  EXPECT_EQ(score({}, {.labels = {"done"}}), "1.250");
  EXPECT_EQ(score({{"precision", "fp4"}}, {.labels = {"patch", "done"}}), "7.000");
  EXPECT_EQ(score({}, {.labels = {"patch", "waived"}}), "1.000");
}

TEST(CiPriority, CriteriaRestrictTheFacts) {
  const ordered_json job = {
      {"precision", "fp4"}, {"framework", "sglang"}, {"prefill", ordered_json::object()}};
  const auto with = [&](std::set<std::string> criteria) {
    return score(job, {.criteria = std::move(criteria)});
  };
  EXPECT_EQ(with({}), "1.000");
  EXPECT_EQ(with({"fp4"}), "1.750");
  EXPECT_EQ(with({"multi-node", "sglang"}), "2.750");
  EXPECT_EQ(with({"checklist-complete"}), "1.250");
  EXPECT_EQ(with({"patchwork"}), "7.000");
  const auto unknown = priority_of(job, policy(), {.criteria = std::set<std::string>{"fp4", "fp9", "a"}});
  ASSERT_FALSE(unknown);
  EXPECT_THAT(unknown.error().message, HasSubstr("Unknown CI priority criteria: ['a', 'fp9']"));
}

TEST(CiPriority, JobsAreAnnotatedWhereverTheyAre) {
  const ordered_json matrix = {{"a", {{{"runner", "r"}, {"framework", "sglang"}, {"t", "\u00e9"}}}},
                               {"b", {{"framework", "x"}}}};
  const auto out = with_priorities(matrix, policy(), {.labels = {"jump"}, .pr_number = 12}).value();
  EXPECT_EQ(out["b"], matrix["b"]);
  const ordered_json& job = out["a"][0];
  EXPECT_EQ(job["priority"], "1.500");
  EXPECT_EQ(job["skip-queue-pr"], 12);
  // printf '%s' 'local:a/0:{"framework":"sglang","runner":"r","t":"\u00e9"}' | sha256sum
  EXPECT_EQ(job["queue-token"], "56e5009dbe86dd0a81f0bf543793f424");
  EXPECT_EQ(compact_json(matrix["a"][0], KeyOrder::Sorted),
            R"({"framework":"sglang","runner":"r","t":"\u00e9"})");
  const auto other = with_priorities(matrix, policy(), {.queue_namespace = "77:1"}).value();
  EXPECT_NE(other["a"][0]["queue-token"], job["queue-token"]);
  EXPECT_FALSE(other["a"][0].contains("skip-queue-pr"));
}

TEST(CiPriority, ProblemsOfThePolicyNameFileAndLine) {
  const auto problem = [](const std::string& from, const std::string& to) {
    std::string text = kPolicy;
    text.replace(text.find(from), from.size(), to);
    const auto read = read_policy(text, "p.yaml");
    return read ? "" : read.error().message;
  };
  EXPECT_EQ(problem("version: 1", "version: 2"),
            "p.yaml:1: Unsupported CI priority policy version: 2; supported: 1");
  EXPECT_EQ(problem("base-score: 1.0", "other: 1"), "p.yaml:1: the policy has no 'base-score'; add it");
  EXPECT_THAT(problem("1.25", "much"), HasSubstr("p.yaml:5: 'much' is not a decimal number"));
  EXPECT_EQ(problem("score: 7, ", ""), "p.yaml:15: 'patchwork' needs 'names' and 'score'");
  EXPECT_EQ(problem("labels:", "label:"), "p.yaml:1: the policy has no 'labels'; add it");
}

TEST(CiDecimal, SumsAreExactAndRoundedHalfAwayFromZero) {
  const auto shown = [](const char* text) { return DecimalScore::parse(text).value().three_decimals(); };
  EXPECT_EQ(shown("0.0005"), "0.001");
  EXPECT_EQ(shown("-0.0005"), "-0.001");
  EXPECT_EQ(shown("5e-04"), "0.001");
  EXPECT_EQ(shown("-0.0004"), "-0.000") << "as Python prints it";
  EXPECT_EQ(shown("123456789012345"), "123456789012345.000");
  DecimalScore sum = DecimalScore::parse("0.1").value();
  for (int i = 0; i < 9; ++i)
    sum += DecimalScore::parse("0.1").value();
  EXPECT_EQ(sum.three_decimals(), "1.000");
  for (const char* text : {"", "x", "1.2.3", "1e", "nan", "1e20", "0.0000000000000000001"})
    EXPECT_FALSE(DecimalScore::parse(text)) << text;
}

}  // namespace
}  // namespace sweep::ci
