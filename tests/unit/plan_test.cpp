// The plan of a matrix and a profile: names, leases, settings.
#include <map>
#include <set>

#include "controller/profile/benchmark.hpp"
#include "tests/unit/plan_sample.hpp"
#include "util/json.hpp"

namespace sweep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::map<std::string, std::string> environment_of(const wire::Lease& lease) {
  std::map<std::string, std::string> environment;
  for (const auto& [name, value] : lease.environment)
    environment[name] = value;  // the last value applies
  return environment;
}

TEST(Plan, ResultFilenameMatchesTheContract) {
  const Plan plan = sample_plan({sample_entry(8, 32)});
  EXPECT_EQ(result_filename(plan, 0, "n1"), "dsr1_1k8k_fp4_sglang_tp8_ep1_dpa_false_conc32_n1");
}

TEST(Plan, EntriesWithEqualResultFilenamesGetDistinctNames) {
  ordered_json other_length = sample_entry(8, 32);
  other_length["max-model-len"] = 4096;  // not in the name
  const Plan plan = sample_plan({sample_entry(8, 32), other_length, sample_entry(8, 64)});
  EXPECT_EQ(stem_of(plan, 0),
            "dsr1_1k8k_fp4_sglang_tp8_ep1_dpa_false_conc32_p" + plan.points[0].id.substr(0, 8));
  EXPECT_EQ(stem_of(plan, 1),
            "dsr1_1k8k_fp4_sglang_tp8_ep1_dpa_false_conc32_p" + plan.points[1].id.substr(0, 8));
  EXPECT_NE(stem_of(plan, 0), stem_of(plan, 1));
  EXPECT_EQ(stem_of(plan, 2), "dsr1_1k8k_fp4_sglang_tp8_ep1_dpa_false_conc64")
      << "a unique name is not changed";
}

TEST(Plan, RepeatedEntriesGetDistinctNames) {
  const Plan plan = sample_plan({sample_entry(8, 32), sample_entry(8, 32), sample_entry(8, 32)});
  std::set<std::string> names;
  for (int i = 0; i < 3; ++i)
    names.insert(result_filename(plan, i, "n1"));
  EXPECT_EQ(names.size(), 3u);
}

TEST(Plan, FirstCopyIsTheFirstPointOfTheSameEntry) {
  const auto a = sample_entry(4, 8), b = sample_entry(4, 16), c = sample_entry(8, 8);
  EXPECT_THAT(sample_plan({a, b, a, c, b, a}).first_copy, ElementsAre(0, 1, 0, -1, 1, 0));
  EXPECT_THAT(sample_plan({a, b}).first_copy, ElementsAre(-1, -1));
}

TEST(Plan, NodeNamesCannotAddDirectoriesToFileNames) {
  const Plan plan = sample_plan({sample_entry(8, 32)});
  EXPECT_EQ(result_filename(plan, 0, "../n\n1").find_first_of("/\n"), std::string::npos);
}

TEST(Plan, EnvironmentOfALeaseMatchesTheContract) {
  ordered_json entry = sample_entry(8, 32, "trt");
  entry["ep"] = 4;
  entry["dp-attn"] = true;
  const auto environment = environment_of(make_lease(sample_plan({entry}), 0, 1, "b200-nv_3"));
  const std::map<std::string, std::string> expected = {
      {"EXP_NAME", "dsr1_1k8k"},
      {"MODEL", "nvidia/DeepSeek-R1-0528-FP4-V2"},
      {"IMAGE", "lmsysorg/sglang:v0.5.3rc1-cu129-b200"},
      {"FRAMEWORK", "trt"},
      {"PRECISION", "fp4"},
      {"ISL", "1024"},
      {"OSL", "8192"},
      {"MAX_MODEL_LEN", "9416"},
      {"TP", "8"},
      {"CONC", "32"},
      {"EP_SIZE", "4"},
      {"DP_ATTENTION", "true"},
      {"RUNNER_TYPE", "b200"},
      {"RUNNER_NAME", "b200-nv_3"},
      {"RESULT_FILENAME", "dsr1_1k8k_fp4_trt_tp8_ep4_dpa_true_conc32_b200-nv_3"}};
  EXPECT_EQ(environment, expected);
}

TEST(Plan, VariablesOfThePointOverrideTheProfiles) {
  profile::Profile profile;
  profile.env = {{"TP", "1"}, {"RESULT_FILENAME", "mine"}, {"RUNNER_NAME", "me"}, {"NCCL_DEBUG", "INFO"}};
  const auto environment =
      environment_of(make_lease(sample_plan({sample_entry(8, 32)}, profile), 0, 1, "n1"));
  EXPECT_EQ(environment.at("TP"), "8");
  EXPECT_EQ(environment.at("RUNNER_NAME"), "n1");
  EXPECT_EQ(environment.at("RESULT_FILENAME"), "dsr1_1k8k_fp4_sglang_tp8_ep1_dpa_false_conc32_n1");
  EXPECT_EQ(environment.at("NCCL_DEBUG"), "INFO");
}

TEST(Plan, LeaseContainsTheProfilesSettings) {
  profile::Profile profile;
  profile.benchmark = "bench --framework {framework}";
  profile.workspace = "/scratch/w";
  profile.timeouts = {Millis(1'000), Millis(2'000), Millis(3'000)};
  profile.script_ready = "^up$";
  const Plan plan = sample_plan({sample_entry(4, 16), sample_entry(8, 32)}, profile);
  const wire::Lease lease = make_lease(plan, 1, 3, "n1");
  EXPECT_EQ(lease.ref, (wire::AttemptRef{plan.points[1].id, 3}));
  EXPECT_EQ(lease.label, "dsr1_1k8k fp4 sglang b200 tp8 conc32");
  EXPECT_EQ(lease.gpus, 8);
  EXPECT_EQ(lease.result_filename, result_filename(plan, 1, "n1"));
  EXPECT_EQ(lease.workspace, "/scratch/w");
  EXPECT_EQ(lease.command, profile::benchmark_command(profile, plan.points[1]));
  EXPECT_EQ(lease.timeouts.server_ms, 1'000);
  EXPECT_EQ(lease.timeouts.benchmark_ms, 2'000);
  EXPECT_EQ(lease.timeouts.point_ms, 3'000);
  EXPECT_EQ(lease.script_ready, "^up$");
}

TEST(Plan, CommandIsDerivedFromEachPoint) {
  profile::Profile profile;
  profile.benchmark = "/opt/bench --framework {framework}";
  const Plan plan = sample_plan({sample_entry(4, 16, "sglang"), sample_entry(4, 16, "trt")}, profile);
  EXPECT_THAT(make_lease(plan, 0, 1, "n1").command, ElementsAre("/opt/bench", "--framework", "sglang"));
  EXPECT_THAT(make_lease(plan, 1, 1, "n1").command, ElementsAre("/opt/bench", "--framework", "trt"));
}

TEST(Plan, PointsNeedNoGpusIfTheProfileIgnoresThem) {
  profile::Profile profile;
  profile.ignore_gpus = true;
  const Plan plan = sample_plan({sample_entry(8, 32)}, profile);
  EXPECT_EQ(core_points(plan)[0].gpus, 0);
  EXPECT_EQ(make_lease(plan, 0, 1, "n1").gpus, 0);
  EXPECT_EQ(environment_of(make_lease(plan, 0, 1, "n1")).at("TP"), "8")
      << "the measured configuration does not change";
}

TEST(Plan, CorePointsAreInMatrixOrder) {
  const Plan plan = sample_plan({sample_entry(4, 16), sample_entry(8, 32)});
  const auto points = core_points(plan);
  ASSERT_EQ(points.size(), 2u);
  EXPECT_EQ(points[0].id, plan.points[0].id);
  EXPECT_EQ(points[0].gpus, 4);
  EXPECT_EQ(points[1].id, plan.points[1].id);
  EXPECT_EQ(points[1].gpus, 8);
}

TEST(Plan, CoreSettingsComeFromTheProfile) {
  profile::Profile profile;
  profile.packing = profile::Profile::Packing::Gpu;
  profile.retries = {7, 8};
  profile.agent_timeout = Millis(9'000);
  profile.join = Millis(10'000);
  const core::Settings settings = core_settings(sample_plan({sample_entry(8, 32)}, profile));
  EXPECT_TRUE(settings.pack_gpus);
  EXPECT_EQ(settings.infrastructure_retries, 7);
  EXPECT_EQ(settings.benchmark_retries, 8);
  EXPECT_EQ(settings.agent_timeout, Millis(9'000));
  EXPECT_EQ(settings.join_timeout, Millis(10'000));
  EXPECT_FALSE(core_settings(sample_plan({sample_entry(8, 32)})).pack_gpus);
}

TEST(Plan, SweepIsNamedByItsExpName) {
  ordered_json other = sample_entry(8, 32);
  other["exp-name"] = "gptoss_1k1k";
  const Plan one = sample_plan({sample_entry(8, 32), sample_entry(8, 64)});
  EXPECT_EQ(sweep_name(one), "dsr1_1k8k");
  const Plan two = sample_plan({sample_entry(8, 32), other, sample_entry(8, 64)});
  EXPECT_THAT(experiments(two), ElementsAre("dsr1_1k8k", "gptoss_1k1k"));
  EXPECT_EQ(sweep_name(two), "all");
}

TEST(Plan, ErrorNamesTheMissingKeyOfAnEntry) {
  ordered_json without_tp = sample_entry(8, 32);
  without_tp.erase("tp");
  const auto plan = make_plan({sample_entry(8, 32), without_tp}, {});
  ASSERT_FALSE(plan);
  EXPECT_THAT(plan.error().message, HasSubstr("'tp' is missing"));
}

TEST(Plan, ErrorNamesTheUnknownPlaceholder) {
  profile::Profile profile;
  profile.benchmark = "bench {tensor-parallel}";
  const auto plan = make_plan({sample_entry(8, 32)}, profile);
  ASSERT_FALSE(plan);
  EXPECT_THAT(plan.error().message, HasSubstr("tensor-parallel"));
}

// ---- recipes

profile::Profile recipe_profile() {
  profile::Profile profile;
  profile.env = {{"EXTRA", "1"}};
  profile.recipe.server.command = "serve --model $MODEL --tp ${TP} --x \"$EXTRA\"";
  profile.recipe.client = "client $CONC";
  profile.recipe.server.env = {"MODEL", "TP", "EXTRA"};
  profile.recipe.server.ready.path = profile.recipe.server.health.path = "/health";
  profile.recipe.server.reset.path = "/reset";
  profile.recipe.server.progress = "shard";
  profile.timeouts = {Millis(1), Millis(2), Millis(3), Millis(4), Millis(5), Millis(6), Millis(7), Millis(8)};
  return profile;
}

TEST(Plan, PointsShareAServerIfItsInputsAreEqual) {
  ordered_json other_image = sample_entry(8, 32);
  other_image["image"] = "another";
  const Plan plan = sample_plan({sample_entry(8, 32), sample_entry(8, 64), sample_entry(4, 32), other_image},
                                recipe_profile());
  EXPECT_EQ(server_key(plan, 0), server_key(plan, 1)) << "only the client uses CONC";
  EXPECT_NE(server_key(plan, 0), server_key(plan, 2));
  EXPECT_NE(server_key(plan, 0), server_key(plan, 3));
  EXPECT_EQ(core_points(plan)[1].server.str(), server_key(plan, 1));

  auto profile = recipe_profile();
  profile.recipe.server.env.push_back("CONC");
  const Plan with_conc = sample_plan({sample_entry(8, 32), sample_entry(8, 64)}, profile);
  EXPECT_NE(server_key(with_conc, 0), server_key(with_conc, 1));

  for (const auto part : {+[](profile::ServerSection& server) { return &server.command; },
                          +[](profile::ServerSection& server) { return &server.reset.path; }}) {
    auto changed = recipe_profile();
    *part(changed.recipe.server) += "x";
    EXPECT_NE(server_key(sample_plan({sample_entry(8, 32)}, changed), 0), server_key(plan, 0));
  }
  auto elsewhere = recipe_profile();
  elsewhere.env = {{"EXTRA", "2"}};
  EXPECT_NE(server_key(sample_plan({sample_entry(8, 32)}, elsewhere), 0), server_key(plan, 0));
  EXPECT_EQ(server_key(sample_plan({sample_entry(8, 32)}), 0), "") << "a script has no server";
}

/// An entry of InferenceX with fixed lengths.
ordered_json inferencex_sample(bool run_eval, bool eval_only) {
  ordered_json out = sample_entry(8, 32);
  out["model-prefix"] = "dsr1";
  out["spec-decoding"] = "none";
  out["run-eval"] = run_eval;
  if (eval_only) out["eval-only"] = true;
  return out;
}

TEST(Plan, AgenticPointsOfAModelAreOneExperiment) {
  const auto agentic = [](const char* prefix, int conc) {
    return ordered_json({{"image", "i"},
                         {"model", "m"},
                         {"model-prefix", prefix},
                         {"precision", "fp4"},
                         {"framework", "sglang"},
                         {"runner", "b200"},
                         {"tp", 8},
                         {"conc", conc},
                         {"scenario-type", "agentic-coding"},
                         {"kv-offloading", "none"},
                         {"duration", 3600},
                         {"total-cpu-dram-gb", 0},
                         {"exp-name", std::string(prefix) + "_tp8_conc" + std::to_string(conc) + "_kvnone"}});
  };
  const Plan plan = sample_plan(
      {agentic("dsr1", 1), agentic("dsr1", 2), inferencex_sample(false, false), agentic("dsv4", 1)});
  EXPECT_THAT(experiments(plan), ElementsAre("dsr1_agentic", "dsr1_1k8k", "dsv4_agentic"));
  EXPECT_EQ(environment_of(make_lease(plan, 0, 1, "n1")).at("EXP_NAME"), "dsr1_tp8_conc1_kvnone");
}

TEST(Plan, LeaseSaysWhetherAndHowAPointIsEvaluated) {
  auto profile = recipe_profile();
  profile.recipe.eval = "lm_eval";
  const Plan plan = sample_plan({inferencex_sample(false, false), inferencex_sample(true, false),
                                 inferencex_sample(true, true), sample_entry(8, 32)},
                                profile);
  EXPECT_EQ(make_lease(plan, 0, 1, "n1").eval, wire::EvalWhen::Never);
  EXPECT_THAT(make_lease(plan, 0, 1, "n1").eval_command, testing::IsEmpty());
  EXPECT_EQ(make_lease(plan, 1, 1, "n1").eval, wire::EvalWhen::After);
  EXPECT_THAT(make_lease(plan, 1, 1, "n1").eval_command, ElementsAre("bash", "-c", "lm_eval"));
  EXPECT_EQ(make_lease(plan, 2, 1, "n1").eval, wire::EvalWhen::Only);
  EXPECT_EQ(make_lease(plan, 3, 1, "n1").eval, wire::EvalWhen::Never);
  EXPECT_EQ(server_key(plan, 0), server_key(plan, 1)) << "both use the same server";
  EXPECT_TRUE(make_lease(plan, 0, 1, "n1").gpu_metrics);
  EXPECT_FALSE(make_lease(plan, 3, 1, "n1").gpu_metrics) << "scripts of 2025 have no power step";
  const Plan script = sample_plan({inferencex_sample(true, false)});
  EXPECT_EQ(make_lease(script, 0, 1, "n1").eval, wire::EvalWhen::After);
  EXPECT_THAT(make_lease(script, 0, 1, "n1").eval_command, testing::IsEmpty());
}

TEST(Plan, ScriptRunsAnEvaluatedPointWhoseRecipeHasNoEvaluation) {
  const Plan plan =
      sample_plan({inferencex_sample(false, false), inferencex_sample(true, false)}, recipe_profile());
  EXPECT_NE(make_lease(plan, 0, 1, "n1").server.key, "");
  const wire::Lease lease = make_lease(plan, 1, 1, "n1");
  EXPECT_EQ(lease.server.key, "");
  EXPECT_EQ(lease.eval, wire::EvalWhen::After);
  EXPECT_THAT(lease.eval_command, testing::IsEmpty());
}

TEST(Plan, DerivedVariableLetsSomePointsShareAServer) {
  auto profile = recipe_profile();
  profile.recipe.server.env.push_back("CONC_FROM");
  profile.recipe.server.derived = {{"CONC_FROM", "CONC", {1, 16}}};
  profile.recipe.server.command += " --interval $((CONC_FROM + 1)) ${CONC_FROM}";
  const Plan plan = sample_plan({sample_entry(8, 8), sample_entry(8, 16), sample_entry(8, 64)}, profile);
  EXPECT_NE(server_key(plan, 0), server_key(plan, 1));
  EXPECT_EQ(server_key(plan, 1), server_key(plan, 2));
  EXPECT_EQ(environment_of(make_lease(plan, 0, 1, "n1")).at("CONC_FROM"), "1");
  EXPECT_EQ(environment_of(make_lease(plan, 2, 1, "n1")).at("CONC_FROM"), "16");
  profile.recipe.server.derived[0].of = "CONCC";
  const auto wrong = make_plan({sample_entry(8, 32)}, profile);
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error().message,
              HasSubstr("is derived from 'CONCC', which no point has; did you mean 'CONC'?"));
  profile.recipe.server.derived[0].of = "PRECISION";
  const auto no_number = make_plan({sample_entry(8, 32)}, profile);
  ASSERT_FALSE(no_number);
  EXPECT_THAT(no_number.error().message,
              HasSubstr("'CONC_FROM' is derived from 'PRECISION', which is 'fp4', not a whole number; name"));
}

TEST(Plan, LeaseOfARecipeContainsServerAndClient) {
  const Plan plan = sample_plan({sample_entry(8, 32)}, recipe_profile());
  const wire::Lease lease = make_lease(plan, 0, 1, "n1");
  EXPECT_THAT(lease.command, ElementsAre("bash", "-c", "client $CONC"));
  EXPECT_EQ(lease.server.key, server_key(plan, 0));
  EXPECT_THAT(lease.server.command, ElementsAre("bash", "-c", recipe_profile().recipe.server.command));
  EXPECT_THAT(lease.server.names, ElementsAre("MODEL", "TP", "EXTRA"));
  EXPECT_EQ(lease.server.ready_url, "/health");
  EXPECT_EQ(lease.server.health_url, "/health");
  EXPECT_EQ(lease.server.reset_url, "/reset");
  EXPECT_EQ(lease.server.progress, "shard");
  EXPECT_EQ(lease.server.start_ms, 4);
  EXPECT_EQ(lease.server.progress_ms, 5);
  EXPECT_EQ(lease.server.longest_ms, 6);
  EXPECT_EQ(lease.server.reset_ms, 7);
  EXPECT_EQ(lease.server.warm_up_ms, 8);
  EXPECT_EQ(lease.timeouts.server_ms, 1);
  EXPECT_EQ(make_lease(sample_plan({sample_entry(8, 32)}), 0, 1, "n1").server.key, "");
}

TEST(Plan, RecipeWithAMissingVariableIsReportedByThePlan) {
  const auto error_of = [](const profile::Profile& profile) {
    const auto plan = make_plan({sample_entry(8, 32)}, profile);
    return plan ? std::string() : plan.error().message;
  };
  EXPECT_EQ(error_of(recipe_profile()), "");
  auto incomplete = recipe_profile();
  incomplete.recipe.server.env = {"MODEL", "EXTRA"};
  EXPECT_THAT(error_of(incomplete), HasSubstr("uses $TP, but its 'env' does not name TP"));
  incomplete.recipe.server.command = "serve --model $MODEL ${EXTRA:-x} $TPX $MY_TP";
  EXPECT_EQ(error_of(incomplete), "") << "other variables whose names contain TP";
  auto typo = recipe_profile();
  typo.recipe.server.env.push_back("MODELL");
  EXPECT_THAT(error_of(typo), HasSubstr("'MODELL'"));
  EXPECT_THAT(error_of(typo), HasSubstr("did you mean 'MODEL'?"));
}

}  // namespace
}  // namespace sweep
