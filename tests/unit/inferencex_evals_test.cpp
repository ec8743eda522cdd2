// controller/matrix/inferencex/evals: which rows are marked for evaluations.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/inferencex_samples.hpp"
#include "util/json.hpp"

namespace sweep::matrix::inferencex {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// A one-node entry of 8192 tokens in, 1024 out, with these elements.
std::string solo(const std::string& elements) {
  return changed("[{ tp: 4, conc-start: 2, conc-end: 6 }]", "[" + elements + "]",
                 changed("isl: 1024", "isl: 8192", kOneNode));
}

class InferenceXEvals : public InferenceXCommand {
 protected:
  // Returns "CONC" for each row that is marked, with eval-conc behind a slash and + for eval-all-concs.
  std::vector<std::string> marked(const std::string& yaml, const std::vector<std::string>& args = {}) const {
    std::vector<std::string> out;
    const auto output = full_sweep(yaml, args);
    EXPECT_EQ(output.status, 0) << output.err;
    for (const auto& row : nlohmann::ordered_json::parse(output.out)) {
      if (!row.value("run-eval", false)) continue;
      std::string text = row.at("conc").dump();
      if (row.contains("eval-conc")) text += "/" + row["eval-conc"].dump();
      if (row.contains("eval-all-concs")) text += "+";
      out.push_back(text);
    }
    return out;
  }
};

TEST_F(InferenceXEvals, LargestAndUpperMedianOfAllTpAreMarked) {
  EXPECT_THAT(marked(solo("{ tp: 4, conc-list: [8, 16, 32, 64, 16] }, { tp: 8, conc-list: [128, 64] }")),
              ElementsAre("64", "128", "64"));
  EXPECT_THAT(marked(solo("{ tp: 4, conc-list: [4, 8, 15] }")), IsEmpty()) << "none has 16";
  EXPECT_THAT(marked(solo("{ tp: 4, conc-list: [16] }, { tp: 4, conc-list: [64], dp-attn: true }")),
              ElementsAre("16", "64"))
      << "dp-attn makes another group";
  EXPECT_THAT(marked(solo("{ tp: 4, conc-list: [16] }, { tp: 4, conc-list: [64], dp-attn: false }")),
              ElementsAre("64"))
      << "the default is false; the median of two is the larger";
  EXPECT_THAT(marked(changed("conc-start: 2, conc-end: 6", "conc-list: [64]", kOneNode)), IsEmpty())
      << "only 8k1k is evaluated";
}

TEST_F(InferenceXEvals, LargestOfEachConfigurationOfManyNodesIsMarked) {
  EXPECT_THAT(marked(kManyNodes), ElementsAre("[4,32]/32"));
  EXPECT_THAT(marked(changed("[4, 32]", "[4, 15]", kManyNodes)), IsEmpty());
  const std::string twice =
      changed("      - conc-list: [4, 32]\n", "      - &e\n        conc-list: [32]\n", kManyNodes) +
      "      - { <<: *e, conc-list: [64, 16] }\n      - { <<: *e, conc-list: [64] }\n";
  EXPECT_THAT(marked(twice), ElementsAre("[64,16]/64")) << "the first of a tie";
  EXPECT_THAT(marked(twice, {"--all-evals"}), ElementsAre("[16,32,64]+"))
      << "merged at the place of the first";
}

TEST_F(InferenceXEvals, AgenticRowsAreMarkedOnlyOnRequest) {
  EXPECT_THAT(marked(kAgentic), IsEmpty());
  EXPECT_THAT(marked(kAgentic, {"--evals-only"}), ElementsAre("8")) << "no least concurrency";
  EXPECT_THAT(marked(kAgentic, {"--all-evals"}), ElementsAre("1", "2", "8"));
  EXPECT_THAT(marked(kAgenticNodes, {"--evals-only"}), ElementsAre("[24]/24"));
  EXPECT_THAT(marked(kAgenticNodes, {"--all-evals"}), ElementsAre("[4,16,24]/24"));
  EXPECT_THAT(marked(changed("[4, 16, 24]", "[4, 8]", kAgenticNodes), {"--evals-only"}), IsEmpty());
}

TEST_F(InferenceXEvals, EvalsOnlyKeepsMarkedRowsAndEndsThemWithEvalOnly) {
  const auto output = full_sweep(solo("{ tp: 4, conc-list: [8, 16] }"), {"--evals-only"});
  EXPECT_THAT(output.out, testing::EndsWith("\"run-eval\": true, \"eval-only\": true}]\n"));
  const auto many = full_sweep(kAgenticNodes, {"--evals-only", "--all-evals"});
  EXPECT_THAT(many.out, testing::EndsWith("\"run-eval\": true, \"eval-conc\": 24, \"eval-only\": true}]\n"));
}

TEST_F(InferenceXEvals, NoEvalsLeavesAgenticRowsWithoutTheKey) {
  EXPECT_EQ(full_sweep(kAgentic, {"--no-evals"}).out.find("run-eval"), std::string::npos);
  EXPECT_NE(full_sweep(kAgentic).out.find("\"run-eval\": false"), std::string::npos);
  EXPECT_THAT(marked(solo("{ tp: 4, conc-list: [64] }"), {"--no-evals"}), IsEmpty());
}

}  // namespace
}  // namespace sweep::matrix::inferencex
