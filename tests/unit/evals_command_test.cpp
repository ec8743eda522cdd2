// controller/evals: the commands collect-evals and validate-scores on files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "controller/evals/collect_command.hpp"
#include "controller/evals/validate_command.hpp"
#include "tests/unit/evals_samples.hpp"
#include "tests/unit/net_folder.hpp"

namespace sweep::evals {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

class EvalCommands : public InFolder {
 protected:
  void SetUp() override {
    InFolder::SetUp();
    before_ = std::filesystem::current_path();
    std::filesystem::current_path(folder_);
  }
  void TearDown() override {
    std::filesystem::current_path(before_);
    InFolder::TearDown();
  }

  void put_in(const std::string& name, const std::string& bytes) const {
    std::filesystem::create_directories(std::filesystem::path(path(name)).parent_path());
    put(name, bytes);
  }

  Json collected() const {
    const auto bytes = read_file(path("agg_eval_x.json"), 1 << 20);
    return bytes ? Json::parse(*bytes) : Json(bytes.error().message);
  }

  // Returns the lines of validate-scores, those on standard error with a ! in front.
  static std::vector<std::string> lines(const ValidateOutput& output) {
    std::vector<std::string> out;
    for (const auto& line : output.lines)
      out.push_back((line.is_error ? "!" : "") + line.text);
    return out;
  }

 private:
  std::filesystem::path before_;
};

// ---- collect-evals

TEST_F(EvalCommands, DirectoryAndItsChildrenAreCollected) {
  put_in("e/meta_env.json", sample_meta().dump());
  put_in("e/results.json", sample_result().dump());
  put_in("e/a/meta_env.json", sample_meta().dump());
  put_in("e/a/out.json", sample_result().dump());
  put_in("e/b/results.json", sample_result().dump());        // no meta_env.json
  put_in("e/a/deeper/meta_env.json", sample_meta().dump());  // not a direct child
  put_in("e/a/deeper/results.json", sample_result().dump());
  const auto output = run_collect_evals("./e/", "x", EvalOrder::ModelPrefix);
  EXPECT_EQ(output.status, 0);
  EXPECT_EQ(output.err, "");
  EXPECT_THAT(output.out, StartsWith("### Single-Node Eval Results\n"));
  const Json rows = collected();
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].at("source"), "e/results.json");
  EXPECT_EQ(rows[1].at("source"), "e/a/out.json");
}

TEST_F(EvalCommands, BrokenResultIsNamedAndFailsTheCommand) {
  put_in("e/a/meta_env.json", sample_meta().dump());
  put_in("e/a/results.json", "{\"results\": ");
  put_in("e/b/meta_env.json", sample_meta().dump());
  put_in("e/b/results.json", sample_result().dump());
  const auto output = run_collect_evals("e", "x", EvalOrder::ModelPrefix);
  EXPECT_EQ(output.status, 1);
  EXPECT_THAT(output.err, StartsWith("cannot read 'e/a/results.json' as JSON: line 1, column 13"));
  EXPECT_THAT(output.err, HasSubstr("; its scores are missing\n"));
  EXPECT_EQ(collected().size(), 1U) << "the others are collected";
}

TEST_F(EvalCommands, OtherBrokenFilesAreWarnings) {
  put_in("e/meta_env.json", "oops");
  put_in("e/results.json", sample_result().dump());
  put_in("e/agent_preds.json", "{");
  const auto output = run_collect_evals("e", "x", EvalOrder::ModelPrefix);
  EXPECT_EQ(output.status, 0);
  EXPECT_THAT(output.err, AllOf(HasSubstr("warning: cannot read 'e/meta_env.json' as JSON"),
                                HasSubstr("listed as unknown\n"),
                                HasSubstr("warning: cannot read 'e/agent_preds.json'")));
  EXPECT_EQ(collected()[0].at("hw"), "UNKNOWN");
}

TEST_F(EvalCommands, NoEvaluationsAreAnEmptyCollection) {
  const auto output = run_collect_evals("nowhere", "x", EvalOrder::ModelPrefix);
  EXPECT_EQ(output.status, 0);
  EXPECT_EQ(output.out, "> No eval results found to summarize.\n");
  EXPECT_EQ(output.err, "warning: directory 'nowhere' does not exist\n");
  EXPECT_EQ(collected(), Json::array());
}

TEST_F(EvalCommands, MetaIsNotAResult) {
  Json meta = sample_meta();
  meta["lm_eval_version"] = "0.4.9";
  put_in("e/meta_env.json", meta.dump());
  EXPECT_THAT(run_collect_evals("e", "x", EvalOrder::ModelPrefix).err,
              HasSubstr("'e' has a meta_env.json but no result of lm-eval"));
  EXPECT_EQ(collected(), Json::array());
}

TEST_F(EvalCommands, NewestFileIsFoundByItsTime) {
  put_in("e/meta_env.json", sample_meta().dump());
  put_in("e/results_1.json", sample_result(0.5).dump());
  put_in("e/results_2.json", sample_result(0.6).dump());
  const auto now = std::filesystem::file_time_type::clock::now();
  std::filesystem::last_write_time("e/results_2.json", now - std::chrono::hours(1));
  run_collect_evals("e", "x", EvalOrder::ModelPrefix);
  EXPECT_EQ(collected()[0].at("score"), 0.5);
}

// ---- validate-scores

TEST_F(EvalCommands, ScoresAreComparedInTheOrderOfTheFiles) {
  put("th.yaml", "models: {dsr1: {gsm8k: 0.95}}");
  put("meta_env.json", sample_meta().dump());
  put("results_2.json", sample_result(0.96, 0.97).dump());
  put("results_1.json", sample_result(0.5, 0.97).dump());
  ValidateOptions options;
  options.thresholds = "th.yaml";
  const auto output = run_validate_scores(options);
  EXPECT_EQ(output.status, 1);
  EXPECT_THAT(lines(output),
              ElementsAre("Loaded thresholds from th.yaml", "Model prefix: dsr1 (per-model thresholds apply)",
                          "!FAIL: gsm8k exact_match,strict-match = 0.5000 (< 0.95 from models.dsr1)",
                          "PASS: gsm8k exact_match,flexible-extract = 0.9700 (>= 0.95 from models.dsr1)",
                          "PASS: gsm8k exact_match,strict-match = 0.9600 (>= 0.95 from models.dsr1)",
                          "PASS: gsm8k exact_match,flexible-extract = 0.9700 (>= 0.95 from models.dsr1)"));
}

TEST_F(EvalCommands, ModelPrefixIsThatOfTheOptionThenMetaThenEnvironment) {
  put("results.json", sample_result().dump());
  put("meta_env.json", sample_meta().dump());
  ValidateOptions options;
  options.environment_prefix = "of-environment";
  const auto prefix = [&] { return lines(run_validate_scores(options)).at(0); };
  EXPECT_EQ(prefix(), "Model prefix: dsr1 (no per-model override; using global default)");
  options.model_prefix = "of-option";
  EXPECT_THAT(prefix(), StartsWith("Model prefix: of-option "));
  options.model_prefix = "";
  put("meta_env.json", R"({"infmax_model_prefix": "unknown"})");
  EXPECT_THAT(prefix(), StartsWith("Model prefix: of-environment "));
  options.environment_prefix = "unknown";
  EXPECT_EQ(prefix(), "Model prefix: <unknown> (using global default thresholds)");
}

TEST_F(EvalCommands, DefaultThresholdsAreThoseOfTheCheckout) {
  put("results.json", sample_result().dump());
  put("meta_env.json", sample_meta().dump());
  put_in("utils/evals/thresholds.yaml", "default: {gsm8k: 0.99}");
  ValidateOptions options;
  EXPECT_EQ(lines(run_validate_scores(options)).at(0), "Loaded thresholds from utils/evals/thresholds.yaml");
  EXPECT_EQ(run_validate_scores(options).status, 1);
  options.thresholds = "";
  EXPECT_EQ(run_validate_scores(options).status, 0);
}

TEST_F(EvalCommands, BrokenThresholdsAreNamedWithWhatIsUsedInstead) {
  put("results.json", sample_result().dump());
  put("meta_env.json", sample_meta().dump());
  put("b.yaml", "- 1");
  ValidateOptions options;
  options.thresholds = "b.yaml";
  const auto output = run_validate_scores(options);
  EXPECT_EQ(output.status, 0);
  EXPECT_EQ(
      lines(output).at(0),
      "!WARN: could not load thresholds from b.yaml: thresholds config must be a mapping; every task is "
      "compared with --min-score 0.85, correct the file or give --thresholds another one");
}

TEST_F(EvalCommands, KeyOfTheThresholdsWithoutEffectIsAWarning) {
  put("results.json", sample_result().dump());
  put("meta_env.json", sample_meta().dump());
  put("th.yaml", "defaults: {gsm8k: 0.99}");
  ValidateOptions options;
  options.thresholds = "th.yaml";
  const auto output = run_validate_scores(options);
  EXPECT_EQ(output.status, 0);
  EXPECT_EQ(lines(output).at(1), "!WARN: th.yaml, line 1: 'defaults' has no effect; did you mean 'default'?");
}

TEST_F(EvalCommands, BatchIsLabelledByConcurrency) {
  Json meta = sample_meta();
  for (const char* key : {"eval_concs", "completed_eval_concs"})
    meta[key] = {16};
  meta["failed_eval_concs"] = Json::array();
  put("meta_env.json", meta.dump());
  put("results_conc16.json", sample_result().dump());
  ValidateOptions options;
  options.expected_concs = "16";
  const auto output = run_validate_scores(options);
  EXPECT_EQ(output.status, 0);
  EXPECT_THAT(lines(output), testing::Contains("PASS: batched eval produced every requested concurrency"));
  EXPECT_THAT(lines(output), testing::Contains(StartsWith("PASS: [conc=16] gsm8k exact_match,strict-match")));
  options.expected_concs = "4 4";
  EXPECT_THAT(lines(run_validate_scores(options)),
              ElementsAre("!FAIL: expected concurrencies must be unique positive integers"));
}

TEST_F(EvalCommands, NothingComparedIsAFailure) {
  ValidateOptions options;
  const auto output = run_validate_scores(options);
  EXPECT_EQ(output.status, 1);
  EXPECT_THAT(
      lines(output),
      ElementsAre("Model prefix: <unknown> (using global default thresholds)",
                  StartsWith("!WARN: could not inspect eval metadata for batched concurrency status: "),
                  "!WARN: no metrics matched prefix 'exact_match,'",
                  "!WARN: no file matches 'results*.json'"));
}

TEST_F(EvalCommands, BrokenResultFailsAndTheOthersAreCompared) {
  put("meta_env.json", sample_meta().dump());
  put("results_1.json", "{");
  put("results_2.json", sample_result().dump());
  const auto output = run_validate_scores({});
  EXPECT_EQ(output.status, 1);
  EXPECT_THAT(lines(output), testing::Contains(StartsWith("!FAIL: cannot read 'results_1.json' as JSON")));
  EXPECT_THAT(lines(output), testing::Contains(StartsWith("PASS: gsm8k exact_match,strict-match")));
}

}  // namespace
}  // namespace sweep::evals
