// Points of InferenceX with evaluations: a script leaves the files of lm-eval, and their scores decide about validity.
#include <gmock/gmock.h>

#include "tests/process/program.hpp"
#include "util/json.hpp"

namespace sweep {
namespace {

using nlohmann::json;
using testing::HasSubstr;

/// Like InferenceX's scripts: runs its client unless it only evaluates, and leaves scores if it evaluates: with CONC 32 a
/// good one, with 64 a low one, with 128 none.
constexpr const char* kEvaluatingScript = R"S(#!/bin/sh
[ "$EVAL_ONLY" = true ] || cat >"$RESULT_FILENAME.json" <<RESULT
{"model_id": "$MODEL", "max_concurrency": $CONC, "completed": 4, "duration": 1.0, "total_token_throughput": 300.0,
 "output_throughput": 100.0, "median_ttft_ms": 10.0, "median_tpot_ms": 5.0}
RESULT
[ "$RUN_EVAL" = true ] || exit 0
case $CONC in 32) score=0.96 ;; 64) score=0.51 ;; *) exit 0 ;; esac
echo '{"lm_eval_version": "0.4.9", "results": {"gsm8k": {"exact_match,strict-match": '$score'}},
  "configs": {"gsm8k": {"metric_list": [{"metric": "exact_match"}], "filter_list": [{"name": "strict-match"}]}}}' \
  >results_$CONC.json
echo '{"infmax_model_prefix": "dsr1", "hw": "b200", "framework": "sglang", "precision": "fp4", "tp": 1, "isl": "8192",
  "osl": "1024", "conc": '$CONC', "model": "m"}' >meta_env.json
)S";

class Evals : public ProcessTest {
 protected:
  /// Runs the points with these concurrencies, and returns the manifest.
  json run(const std::string& concurrencies, const std::string& select, int status) {
    write("runners.yaml", "labels: { b200: [b200-nb_0] }\n");
    write("profile.yaml", "gpus: ignore\nevals: { thresholds: limits.yaml }\n");
    write("limits.yaml", "default: { gsm8k: 0.90 }\nmodels: { dsr1: { gsm8k: 0.95 } }\n");
    write("matrix.yaml",
          "k:\n  { image: i, model: m, model-prefix: dsr1, precision: fp4, framework: sglang, runner: b200,\n"
          "    multinode: false, scenarios: { fixed-seq-len: [ { isl: 8192, osl: 1024, search-space: [\n"
          "      { tp: 1, conc-list: [" +
              concurrencies + "] } ] } ] } }\n");
    write("bench.sh", kEvaluatingScript, true);
    Program sweep(directory_, {"sweepctl", "run", "--profile", "profile.yaml", "--output", "out", "--select",
                               select, "matrix.yaml", "--", "./bench.sh"});
    EXPECT_EQ(sweep.finish(), status) << sweep.err();
    err_ = sweep.err();
    return json::parse(read("out/manifest.json"));
  }
  static json point_of(const json& manifest, int conc) {
    for (const json& point : manifest.at("points")) {
      if (point.at("entry").at("conc") == conc) return point;
    }
    ADD_FAILURE() << "no point with concurrency " << conc;
    return {};
  }

  std::string err_;
};

TEST_F(Evals, LowScoreMakesAPointInvalidAndIsShownEverywhere) {
  const json manifest = run("16, 32, 64", "--seq-lens 8k1k", 3);
  EXPECT_TRUE(point_of(manifest, 16).at("attempts").at(0).at("valid"));
  EXPECT_FALSE(point_of(manifest, 16).at("attempts").at(0).contains("evals")) << "it is not evaluated";
  const json good = point_of(manifest, 32).at("attempts").at(0);
  EXPECT_TRUE(good.at("valid")) << good.dump(1);
  EXPECT_EQ(good.at("evals"),
            json::parse(R"([{"task": "gsm8k", "metric": "exact_match,strict-match", "score": 0.96,
      "threshold": 0.95, "threshold_from": "models.dsr1", "passed": true}])"));
  const json low = point_of(manifest, 64).at("attempts").at(0);
  EXPECT_FALSE(low.at("valid"));
  const std::string reason = "low-score: gsm8k exact_match,strict-match = 0.5100 (< 0.95 from models.dsr1)";
  EXPECT_EQ(low.at("invalid_reasons"), json::array({reason}));
  EXPECT_THAT(err_, HasSubstr(reason));
  const std::string summary = read("out/summary.txt");
  EXPECT_THAT(summary, HasSubstr("evaluations: 1 of 2 scores reaches its threshold\n"));
  EXPECT_THAT(summary,
              HasSubstr("conc32: gsm8k exact_match,strict-match = 0.9600 (>= 0.95 from models.dsr1)\n"));
  EXPECT_THAT(summary, HasSubstr("### Single-Node Eval Results"));
  const json rows = json::parse(read("out/agg_eval_all.json"));
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].at("task"), "gsm8k");
  const json collected = json::parse(read("out/agg_dsr1_8k1k.json"));
  ASSERT_EQ(collected.size(), 3u);
  EXPECT_EQ(collected[2].at("evals").at(0).at("passed"), false) << collected[2].dump(1);
  Program status(directory_, {"sweepctl", "status", "out"});
  EXPECT_EQ(status.finish(), 3);
  EXPECT_THAT(status.out(), HasSubstr(reason));
  const std::string before = read("out/agg_eval_all.json");
  Program again(directory_, {"sweepctl", "aggregate", "out"});
  EXPECT_EQ(again.finish(), 0) << again.err();
  EXPECT_EQ(read("out/agg_eval_all.json"), before);
  EXPECT_EQ(read("out/summary.txt"), summary);
  std::filesystem::create_directory(path("all"));
  std::filesystem::rename(path("out"), path("all/one"));
  Program of_all(directory_, {"sweepctl", "aggregate", "all"});
  EXPECT_EQ(of_all.finish(), 0) << of_all.err();
  EXPECT_EQ(read("all/agg_eval_all.json"), before);
  EXPECT_THAT(read("all/summary.txt"), HasSubstr("### Single-Node Eval Results"));
}

TEST_F(Evals, EvaluationThatLeavesNothingKeepsTheResultAndMakesItInvalid) {
  const json manifest = run("128", "--seq-lens 8k1k", 3);
  const json point = point_of(manifest, 128);
  EXPECT_EQ(point.at("state"), "done");
  EXPECT_THAT(point.at("attempts").at(0).at("invalid_reasons").at(0).get<std::string>(),
              testing::StartsWith("no-score: the eval left no results*.json and no meta_env.json in '"));
  EXPECT_TRUE(exists("out/" + point.at("result").get<std::string>()));
  EXPECT_FALSE(exists("out/agg_eval_all.json"));
}

TEST_F(Evals, PointThatIsOnlyEvaluatedNeedsScoresAndNoResult) {
  const json manifest = run("32, 64, 128", "--evals-only --all-evals", 1);
  const json good = point_of(manifest, 32);
  EXPECT_EQ(good.at("state"), "done") << err_;
  EXPECT_FALSE(good.contains("result"));
  EXPECT_FALSE(exists("out/" + good.at("raw").get<std::string>() + ".json"));
  EXPECT_TRUE(exists("out/" + good.at("raw").get<std::string>() + "/meta_env.json"));
  EXPECT_FALSE(point_of(manifest, 64).at("attempts").at(0).at("valid"));
  const json none = point_of(manifest, 128);
  EXPECT_EQ(none.at("state"), "failed");
  EXPECT_THAT(none.at("reason").get<std::string>(),
              HasSubstr("the eval left no results*.json and no meta_env.json"));
  EXPECT_EQ(json::parse(read("out/agg_eval_all.json")).size(), 2u);
  EXPECT_EQ(json::parse(read("out/agg_dsr1_8k1k.json")), json::array());
  EXPECT_THAT(err_, HasSubstr("2 of 3 points"));
  Program again(directory_, {"sweepctl", "aggregate", "out"});
  EXPECT_EQ(again.finish(), 0) << again.err();
  EXPECT_THAT(again.err(), testing::Not(HasSubstr("missing from the journal")));
}

TEST_F(Evals, StandaloneScriptOfARecipeEvaluatesLikeTheAgent) {
  write("recipe.yaml",
        "server: { command: 'echo \"only $EVAL_ONLY\" >mode; echo up; exec sleep 60', env: [EVAL_ONLY],\n"
        "          ready: { log: ^up$ } }\n"
        "client: { command: echo the client runs }\neval: { command: source ./lib.sh && run_eval }\n");
  write("lib.sh", "run_eval() { echo the eval runs; }\n");
  Program print(directory_, {"sweepctl", "script", "recipe.yaml"});
  EXPECT_EQ(print.finish(), 0) << print.err();
  EXPECT_THAT(print.out(), testing::Not(HasSubstr("\nrun_eval()")))
      << "would call itself without the library";
  write("script.sh", print.out());
  const auto said_with = [&](const std::vector<std::string>& variables) {
    std::vector<std::string> environment = {"PORT=1"};
    environment.insert(environment.end(), variables.begin(), variables.end());
    Program script(directory_, {"/bin/bash", "script.sh"}, environment);
    EXPECT_EQ(script.finish(), 0) << script.err();
    std::string out = read("mode") + "; ";
    for (const char* line : {"the client runs", "the eval runs"}) {
      if (script.out().find(line) != std::string::npos) out += line + std::string("; ");
    }
    return out;
  };
  EXPECT_EQ(said_with({}), "only false\n; the client runs; ");
  EXPECT_EQ(said_with({"RUN_EVAL=true", "EVAL_ONLY=false"}),
            "only false\n; the client runs; the eval runs; ");
  EXPECT_EQ(said_with({"RUN_EVAL=true", "EVAL_ONLY=true"}), "only true\n; the eval runs; ");
}

TEST_F(Evals, CheckCountsEvaluationsAndMissingThresholdsAreAnError) {
  run("16", "--seq-lens 8k1k --no-evals", 0);
  Program check(directory_, {"sweepctl", "check", "matrix.yaml", "--profile", "profile.yaml", "--select",
                             "--evals-only"});
  EXPECT_EQ(check.finish(), 0) << check.err();
  EXPECT_THAT(check.out(), HasSubstr("1 point has an evaluation, 1 of them nothing else\n"));
  write("profile.yaml", "gpus: ignore\nevals: { thresholds: gone.yaml }\n");
  Program broken(directory_, {"sweepctl", "check", "matrix.yaml", "--profile", "profile.yaml"});
  EXPECT_EQ(broken.finish(), 1);
  EXPECT_THAT(broken.err(),
              HasSubstr("cannot read the thresholds of evaluations (evals: thresholds in the profile): "));
  EXPECT_THAT(broken.err(), HasSubstr("gone.yaml"));
}

}  // namespace
}  // namespace sweep
