// controller/ci: which rows a changelog selects, their fingerprints and the order of their keys.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/ci/recipe.hpp"
#include "controller/ci/schema_row.hpp"
#include "tests/unit/ci_sample.hpp"
#include "util/digest.hpp"
#include "util/json.hpp"

namespace sweep::ci {
namespace {

using matrix::changed;
using matrix::inferencex::kAgentic;
using matrix::inferencex::kManyNodes;
using matrix::inferencex::kOneNode;
using testing::ElementsAre;
using testing::IsEmpty;

const std::string kSolo =
    changed("isl: 1024", "isl: 8192", changed("conc-start: 2, conc-end: 6", "conc-list: [64, 16]", kOneNode));

ResolvedEntry entry(std::vector<std::string> keys, ChangelogEntry entry = {}) {
  return {std::move(entry), std::move(keys)};
}

ChangelogRows selected(std::vector<ResolvedEntry> entries, const ChangelogOptions& options = {}) {
  static Sample sample(kSolo + kManyNodes + kAgentic);
  return select_rows(std::move(entries), options, sample.expander(), sample.expander()).value();
}

TEST(CiRows, ThroughputAndEvaluationsAreSelectedOncePerKey) {
  const auto rows = selected({entry({"solo", "pair"}), entry({"pair", "agent"})});
  EXPECT_THAT(
      names_of(rows.throughput),
      ElementsAre("solo_8k1k [64]", "solo_8k1k [16]", "pair_8k1k [4,32]", "agent_tp4_conc1_kvnone [1]",
                  "agent_tp4_conc2_kvnone [2]", "agent_tp2_conc8_kvdram-pool_spec-mtp [8]"));
  EXPECT_THAT(names_of(rows.evals),
              ElementsAre("solo_8k1k [64]", "pair_8k1k [4,32]", "agent_tp2_conc8_kvdram-pool_spec-mtp [8]"));
}

TEST(CiRows, ModifiersSuppressThroughputOrWidenEvaluations) {
  EXPECT_THAT(selected({entry({"solo"}, {.evals_only = true})}).throughput, IsEmpty());
  EXPECT_THAT(selected({entry({"solo"})}, {.evals_only = true}).throughput, IsEmpty());
  const auto all = selected({entry({"solo"})}, {.all_evals = true});
  EXPECT_EQ(all.throughput.size(), 2u) << "the option leaves throughput alone";
  EXPECT_EQ(all.evals.size(), 2u);
  const auto first = selected({entry({"solo"}), entry({"solo"}, {.all_evals = true})});
  EXPECT_EQ(first.evals.size(), 2u) << "the wider entry takes the evaluations first";
  EXPECT_EQ(first.throughput.size(), 2u) << "the other one makes the throughput";
}

TEST(CiRows, ScenariosThatAnEntryLeftOutComeWithTheNext) {
  const auto rows =
      selected({entry({"solo", "agent"}, {.scenario_type = std::vector<std::string>{"agentic-coding"}}),
                entry({"agent", "solo"})});
  EXPECT_THAT(names_of(rows.throughput),
              ElementsAre("agent_tp4_conc1_kvnone [1]", "agent_tp4_conc2_kvnone [2]",
                          "agent_tp2_conc8_kvdram-pool_spec-mtp [8]", "solo_8k1k [64]", "solo_8k1k [16]"));
}

TEST(CiRows, SmallPrefillIsDroppedFromEvaluations) {
  EXPECT_EQ(selected({entry({"pair"}, {.eval_min_prefill_ep = 4})}).evals.size(), 1u);
  EXPECT_THAT(selected({entry({"pair"}, {.eval_min_prefill_ep = 5})}).evals, IsEmpty());
}

TEST(CiRows, TrimKeepsTheLowestConcurrencyOfThroughputOnly) {
  const auto rows = selected({entry({"solo", "pair"})}, {.trim_conc = true});
  EXPECT_THAT(names_of(rows.throughput), ElementsAre("solo_8k1k [16]", "pair_8k1k [4]"));
  EXPECT_THAT(names_of(rows.evals), ElementsAre("solo_8k1k [64]", "pair_8k1k [4,32]"));
}

TEST(CiRows, EntriesThatOnlyAppendStandAlone) {
  const ChangelogEntry appends{.append_only = true};
  EXPECT_TRUE(check_modes({appends, appends}, {}));
  EXPECT_EQ(check_modes({appends, {}}, {}).error().message,
            "append-only entries cannot share a sweep with regular changelog entries");
  EXPECT_EQ(check_modes({appends}, {.evals_only = true}).error().message,
            "append-only sweeps cannot use all-evals or evals-only modifiers");
}

TEST(CiRows, FingerprintIsTheDigestOfTheSortedRowWithoutConcurrencyAndName) {
  Sample sample(kSolo);
  const auto rows = sample.rows();
  const std::string text =
      R"({"dcp-size":1,"disagg":false,"dp-attn":false,"ep":1,"framework":"vllm","image":"acme/serve:1","isl":8192,)"
      R"("max-model-len":9472,"model":"acme/Solo-7B","model-prefix":"solo","osl":1024,"pcp-size":1,"pp":1,)"
      R"("precision":"fp8","run-eval":false,"runner":"x1","spec-decoding":"none","tp":4})";
  EXPECT_EQ(recipe_text(rows[0]), text);
  EXPECT_EQ(recipe_fingerprint(rows[1]), sha256_hex(text)) << "equal for all concurrencies";
}

TEST(CiRows, SchemaOrderFillsInDefaultsAndRealNumbers) {
  Sample one(changed("tp: 4", "tp: \"4\", dp-attn: \"on\"", kSolo));
  const auto rows = one.rows();
  EXPECT_EQ(schema_row(rows[0], "f0").dump(),
            R"({"image":"acme/serve:1","model":"acme/Solo-7B","model-prefix":"solo","precision":"fp8",)"
            R"("framework":"vllm","spec-decoding":"none","runner":"x1","isl":8192,"osl":1024,"tp":4,"pp":1,)"
            R"("dcp-size":1,"pcp-size":1,"ep":1,"dp-attn":true,"conc":64,"max-model-len":9472,)"
            R"("exp-name":"solo_8k1k","disagg":false,"run-eval":false,"eval-only":false,)"
            R"("recipe-fingerprint":"f0"})");
  Sample many(kManyNodes);
  const auto pair = many.rows();
  EXPECT_EQ(schema_row(pair[0], "").at("prefill").dump(),
            R"({"num-worker":1,"tp":4,"pp":1,"dcp-size":1,"pcp-size":1,"ep":4,"dp-attn":true,)"
            R"("additional-settings":[]})");
}

}  // namespace
}  // namespace sweep::ci
