// controller/evals/eval_rows and eval_table: rows of evaluations and their tables.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/evals/eval_rows.hpp"
#include "controller/evals/eval_table.hpp"
#include "controller/evals/scores.hpp"
#include "tests/unit/evals_samples.hpp"
#include "tests/unit/odd_values.hpp"

namespace sweep::evals {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

EvalRows rows_of_set(Json meta, Json result) {
  const std::vector<EvalSet> sets = {{"e", std::move(meta), {{"e/results.json", 0, std::move(result)}}}};
  return eval_rows(sets);
}

Json one_row(Json meta, Json result = sample_result()) {
  const EvalRows made = rows_of_set(std::move(meta), std::move(result));
  EXPECT_EQ(made.rows.size(), 1U);
  EXPECT_THAT(made.notes, IsEmpty());
  return made.rows.empty() ? Json::object() : made.rows[0];
}

TEST(EvalRows, RowHasTheContractsKeysInOrder) {
  EXPECT_EQ(
      one_row(sample_meta()).dump(),
      R"({"is_multinode":false,"model_prefix":"dsr1","model":"org/Model","hw":"B200","framework":"sglang",)"
      R"("precision":"fp4","spec_decoding":"mtp","isl":8192,"osl":1024,"tp":4,"ep":2,"prefill_tp":4,)"
      R"("prefill_ep":2,"prefill_num_workers":1,"decode_tp":4,"decode_ep":2,"decode_num_workers":1,"conc":64,)"
      R"("dp_attention":"true","prefill_dp_attention":"true","decode_dp_attention":"true","task":"gsm8k",)"
      R"("em_strict":0.9325,"em_strict_se":0.0069,"em_flexible":0.9401,"em_flexible_se":0.0065,)"
      R"("n_eff":1319,"source":"e/results.json","score":0.9325,"score_name":"em_strict","score_se":0.0069})");
}

TEST(EvalRows, WhatMetaDoesNotSayHasADefault) {
  const Json row = one_row(Json::object());
  for (const char* key : {"model_prefix", "model", "framework", "precision", "spec_decoding"})
    EXPECT_EQ(row.at(key), "unknown") << key;
  EXPECT_EQ(row.at("hw"), "UNKNOWN");
  for (const char* key : {"isl", "osl", "conc"})
    EXPECT_EQ(row.at(key), 0) << key;
  for (const char* key : {"tp", "ep", "prefill_tp", "decode_ep", "prefill_num_workers"})
    EXPECT_EQ(row.at(key), 1) << key;
  EXPECT_EQ(row.at("dp_attention"), "none");
}

TEST(EvalRows, NumbersThatCannotBeReadHaveTheDefault) {
  Json meta = sample_meta();
  meta["tp"] = "x";
  meta["prefill_tp"] = 8;
  meta["conc"] = nullptr;
  const Json row = one_row(meta);
  EXPECT_EQ(row.at("tp"), 8) << "that of the prefill servers";
  EXPECT_EQ(row.at("decode_tp"), 1);
  EXPECT_EQ(row.at("conc"), 0);
}

TEST(EvalRows, ManyNodesNameBothAttentionsIfTheyDiffer) {
  Json meta = sample_meta();
  meta["is_multinode"] = "True";
  meta["prefill_dp_attention"] = true;
  meta["decode_dp_attention"] = "False";
  EXPECT_EQ(one_row(meta).at("dp_attention"), "prefill=true,decode=false");
  meta["decode_dp_attention"] = true;
  EXPECT_EQ(one_row(meta).at("dp_attention"), "true");
  meta["is_multinode"] = false;
  meta["dp_attention"] = nullptr;
  EXPECT_EQ(one_row(meta).at("dp_attention"), "none");
}

TEST(EvalRows, MetricIsTheFirstOfTheTasksList) {
  Json result = sample_result();
  result["configs"]["gsm8k"]["metric_list"] =
      Json::parse(R"([{"metric": "acc"}, {"metric": "exact_match"}])");
  result["results"]["gsm8k"]["acc,strict-match"] = 0.5;
  const Json row = one_row(sample_meta(), result);
  EXPECT_EQ(row.at("em_strict"), 0.5);
  EXPECT_TRUE(row.at("em_flexible").is_null());
}

TEST(EvalRows, ResolvedCountsAsStrictAndExtractAsFlexible) {
  Json result = sample_result();
  result["configs"]["gsm8k"]["filter_list"] = Json::parse(R"([{"name": "resolved"}, {"name": "extract"}])");
  result["results"]["gsm8k"] = {{"exact_match,resolved", 0.5}, {"exact_match,extract", 0.6}};
  const Json row = one_row(sample_meta(), result);
  EXPECT_EQ(row.at("em_strict"), 0.5);
  EXPECT_EQ(row.at("em_flexible"), 0.6);
}

TEST(EvalRows, WithoutFiltersTheScoreIsTheAccuracyOrThePlainMetric) {
  Json result = sample_result();
  result["configs"] = Json::object();
  result["results"]["gsm8k"] = {{"acc", 0.71}, {"acc_stderr", 0.01}, {"exact_match", 0.2}};
  Json row = one_row(sample_meta(), result);
  EXPECT_TRUE(row.at("em_strict").is_null());
  EXPECT_EQ(row.at("score"), 0.71);
  EXPECT_EQ(row.at("score_name"), "accuracy");
  EXPECT_EQ(row.at("score_se"), 0.01);
  result["results"]["gsm8k"] = {{"exact_match", 0.2}, {"exact_match_stderr", 0.03}};
  row = one_row(sample_meta(), result);
  EXPECT_EQ(row.at("em_strict"), 0.2);
  EXPECT_EQ(row.at("score_name"), "em_strict");
  result["results"]["gsm8k"] = Json::object();
  row = one_row(sample_meta(), result);
  EXPECT_TRUE(row.at("score").is_null() && row.at("score_name").is_null() && row.at("score_se").is_null());
}

TEST(EvalRows, ModelOfTheResultComesBeforeThatOfMeta) {
  Json result = sample_result();
  result["configs"]["gsm8k"]["metadata"] = {{"model", "of-config"}};
  EXPECT_EQ(one_row(sample_meta(), result).at("model"), "of-config");
  result["model_name"] = "of-result";
  EXPECT_EQ(one_row(sample_meta(), result).at("model"), "of-result");
}

TEST(EvalRows, WhatLeavesNoRowIsNamed) {
  Json result = sample_result();
  result["results"] = Json::object();
  EXPECT_THAT(rows_of_set(sample_meta(), result).notes,
              ElementsAre("'e/results.json' has no scores: its results are an object"));
  result["results"] = {{"gsm8k", 3}};
  EXPECT_THAT(rows_of_set(sample_meta(), result).notes,
              ElementsAre(HasSubstr("task 'gsm8k' are 3, not an object")));
  const std::vector<EvalSet> empty = {{"e", sample_meta(), {}}};
  EXPECT_THAT(eval_rows(empty).notes, ElementsAre(HasSubstr("'e' has a meta_env.json but no result")));
}

// ---- tables

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    out.push_back(line);
  return out;
}

Json changed_row(const char* key, const Json& value) {
  Json row = one_row(sample_meta());
  row[key] = value;
  return row;
}

TEST(EvalTables, OneNodeHasTheContractsBytes) {
  const std::vector<Json> rows = {one_row(sample_meta())};
  EXPECT_EQ(
      eval_tables(rows, EvalOrder::ModelPrefix),
      "### Single-Node Eval Results\n\n"
      "| Model Prefix   | Hardware   | Framework   | Precision   | Spec Decode   |   ISL |   OSL |   TP |   EP | "
      "  Conc | DP Attention   | Task   | Score         | EM Strict     | EM Flexible   |   N (eff) | Model     |\n"
      "|----------------|------------|-------------|-------------|---------------|-------|-------|------|------|"
      "--------|----------------|--------|---------------|---------------|---------------|-----------|-----------|\n"
      "| dsr1           | B200       | SGLANG      | FP4         | mtp           |  8192 |  1024 |    4 |    2 | "
      "    64 | true           | gsm8k  | 93.25% ±0.69% | 93.25% ±0.69% | 94.01% ±0.65% |      1319 | org/Model |\n");
}

TEST(EvalTables, TablesAreSeparatedByTwoEmptyLines) {
  const std::vector<Json> rows = {one_row(sample_meta()), changed_row("is_multinode", true)};
  EXPECT_THAT(eval_tables(rows, EvalOrder::ModelPrefix),
              AllOf(HasSubstr("|\n\n\n### Multi-Node Eval Results\n\n"), HasSubstr("|   Prefill Workers | "),
                    HasSubstr("|   Decode TP | ")));
}

TEST(EvalTables, RowsAreSortedByModelPrefixOrHardware) {
  const Json first = changed_row("model_prefix", "aaa");
  Json second = changed_row("model_prefix", "zzz");
  second["hw"] = "A100";
  const std::vector<Json> rows = {second, first};
  EXPECT_THAT(lines_of(eval_tables(rows, EvalOrder::ModelPrefix)).at(4), HasSubstr("aaa"));
  EXPECT_THAT(lines_of(eval_tables(rows, EvalOrder::Hardware)).at(4), HasSubstr("zzz"));
}

TEST(EvalTables, ConcurrenciesAreSortedAsNumbers) {
  const std::vector<Json> rows = {changed_row("conc", 128), changed_row("conc", 16)};
  EXPECT_THAT(lines_of(eval_tables(rows, EvalOrder::Hardware)).at(4), HasSubstr("     16 |"));
}

TEST(EvalTables, MissingScoresAreShownAsSuch) {
  Json row = changed_row("em_flexible", nullptr);
  row["em_flexible_se"] = nullptr;
  row["em_strict_se"] = "x";
  row["n_eff"] = nullptr;
  const std::vector<Json> rows = {row};
  EXPECT_THAT(lines_of(eval_tables(rows, EvalOrder::ModelPrefix)).at(4),
              HasSubstr("| 93.25% ±0.69% | 93.25%      | N/A           |           |"));
}

TEST(EvalTables, DocumentsWithOddValuesHaveRowsOrNotes) {
  std::size_t seen = 0;
  each_odd_document(sample_meta(), [&](const Json& meta) {
    const Json usable = meta.is_object() ? meta : Json::object();
    const EvalRows made = rows_of_set(usable, sample_result());
    EXPECT_FALSE(eval_tables(made.rows, EvalOrder::ModelPrefix).empty());
    seen += made.rows.size();
  });
  each_odd_document(sample_result(), [&](const Json& result) {
    const EvalRows made = rows_of_set(sample_meta(), result);
    EXPECT_FALSE(made.rows.empty() && made.notes.empty()) << result;
    EXPECT_FALSE(eval_tables(made.rows, EvalOrder::Hardware).empty());
    judge_scores(result, {});
    ++seen;
  });
  EXPECT_GT(seen, 200U);
}

TEST(EvalTables, NoRowsAreSaid) {
  EXPECT_EQ(eval_tables({}, EvalOrder::ModelPrefix), "> No eval results found to summarize.\n");
}

}  // namespace
}  // namespace sweep::evals
