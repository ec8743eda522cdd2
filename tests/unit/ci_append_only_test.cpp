// controller/ci/append_only: a change of the configurations may only add points.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/ci/append_only.hpp"
#include "tests/unit/ci_sample.hpp"

namespace sweep::ci {
namespace {

using matrix::changed;
using matrix::inferencex::kAgentic;
using matrix::inferencex::kManyNodes;
using matrix::inferencex::kOneNode;
using testing::ElementsAre;
using testing::HasSubstr;

const std::string kBase = changed("conc-start: 2, conc-end: 6", "conc-list: [2, 4]", kOneNode);

std::string elements(const std::string& text) {
  return changed("{ tp: 4, conc-list: [2, 4] }", text, kBase);
}

Expected<std::vector<std::string>> added(const std::string& base, const std::string& head) {
  Sample before(base), after(head);
  SWEEP_ASSIGN(const auto rows, added_points(before.rows(), after.rows()));
  return names_of(rows);
}

std::string refused(const std::string& base, const std::string& head) {
  const auto rows = added(base, head);
  return rows ? "" : rows.error().message;
}

TEST(CiAppendOnly, OnlyNewConcurrenciesAndRecipesAreReturned) {
  EXPECT_THAT(added(kBase, elements("{ tp: 4, conc-list: [8, 4, 2, 16] }")).value(),
              ElementsAre("solo_1k1k [8]", "solo_1k1k [16]"));
  EXPECT_THAT(added(kBase, elements("{ tp: 4, conc-list: [2, 4] }, { tp: 8, conc-list: [2] }")).value(),
              ElementsAre("solo_1k1k [2]"));
  EXPECT_THAT(added(kManyNodes, changed("[4, 32]", "[64, 4, 32, 8]", kManyNodes)).value(),
              ElementsAre("pair_8k1k [64,8]"))
      << "one row with the new values";
}

TEST(CiAppendOnly, RemovedOrChangedPointsAreRefused) {
  EXPECT_EQ(refused(kBase, elements("{ tp: 4, conc-list: [2, 8] }")),
            "append-only may not remove existing concurrency points: [4]");
  EXPECT_EQ(refused(kBase, elements("{ tp: 8, conc-list: [2, 4] }")),
            "append-only may not remove or modify existing generated recipes");
  EXPECT_EQ(refused(kBase, kBase), "append-only did not add any generated points");
  EXPECT_EQ(refused(elements(""), kBase), "append-only requires an existing curve in the base revision");
}

TEST(CiAppendOnly, AdditionsBelongToASeriesOfOneImage) {
  EXPECT_EQ(
      refused(kBase, elements("{ tp: 4, conc-list: [2, 4] }, { tp: 4, spec-decoding: mtp, conc-list: [2] }")),
      "append-only additions must belong to an existing visual curve with one unchanged non-null image");
}

class CiScope : public testing::Test {
 protected:
  static std::string problem(const std::string& base, const std::string& head,
                             const SelectedScenarios& selected) {
    const auto before = yaml::parse_document(base).value(), after = yaml::parse_document(head).value();
    const auto checked = check_scope({before}, {after}, selected);
    return checked ? "" : checked.error().message;
  }
};

TEST_F(CiScope, EverythingOutsideTheSelectionMustBeUnchanged) {
  const std::string base = kBase + kAgentic;
  const SelectedScenarios solo = {{"solo", {"fixed-seq-len"}}};
  EXPECT_EQ(problem(base, changed("[2, 4]", "[2, 4, 8]", base), solo), "");
  EXPECT_THAT(problem(base, changed("0.5", "0.6", base), solo),
              HasSubstr("append-only PR changed configs not selected by its changelog entry: ['agent']"));
  EXPECT_THAT(problem(base, kBase, solo), HasSubstr("['agent']"));
  EXPECT_EQ(problem(base, base, {{"none", {}}}),
            "append-only requires every selected config to exist in the base revision; missing: ['none']");
  EXPECT_EQ(problem(base, changed("tp: 4, conc-list: [2, 4]", "conc-list: [2, 4], tp: 4.0", base), {}), "")
      << "equal as Python compares: the order of keys and 4.0 do not matter";
}

TEST_F(CiScope, ScenariosOutsideTheSelectionMustBeUnchanged) {
  const std::string base = changed("runner: x1", "runner: cluster:x1-lab", kBase) +
                           "    agentic-coding:\n    - search-space: []\n";
  const SelectedScenarios fixed = {{"solo", {"fixed-seq-len"}}};
  const SelectedScenarios both = {{"solo", {"agentic-coding", "fixed-seq-len"}}};
  EXPECT_EQ(
      problem(base, changed("serve:1", "serve:2", base), fixed),
      "append-only changed config-wide fields that can affect scenarios outside its changelog scope: 'solo'");
  EXPECT_EQ(problem(base, changed("serve:1", "serve:2", base), both), "");
  EXPECT_EQ(problem(base, changed("search-space: []", "search-space: [1]", base), fixed),
            "append-only changed a scenario outside its changelog scope: 'solo' / 'agentic-coding'");
  EXPECT_EQ(problem(base, changed("    agentic-coding:\n    - search-space: []\n", "", base), fixed),
            "append-only added or removed a scenario in config 'solo'");
}

}  // namespace
}  // namespace sweep::ci
