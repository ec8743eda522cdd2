// plan: the variables that the roles of a recipe use.
#include "controller/plan/recipe_check.hpp"
#include "tests/unit/plan_sample.hpp"

namespace sweep {
namespace {

using testing::HasSubstr;

/// Returns a profile with the roles etcd, prefill and router.
profile::Profile sample() {
  profile::Profile out;
  profile::Role etcd, prefill, router;
  etcd.name = "etcd";
  etcd.server.command = "exec etcd --port \"$PORT\"";
  prefill.name = "prefill";
  prefill.server.command = "exec serve --model \"$MODEL\" ${FOLLOWERS:+--nnodes \"$NNODES\"} $OTHER";
  prefill.server.env = {"MODEL"};
  prefill.texts = {{"ENDPOINT", "http://$ETCD/${PORT_DIST} $LEADER_PORT_DIST $MODEL"}};
  prefill.ports = {"dist"};
  prefill.needs = {"etcd"};
  router.name = "router";
  router.server.command = "exec route --workers \"$PREFILL\" --etcd \"$ETCD\"";
  router.needs = {"prefill"};
  out.recipe.roles = {etcd, prefill, router};
  out.recipe.public_role = "router";
  out.recipe.client = "exec bench $CONC";
  return out;
}

std::string check_says(const profile::Profile& profile) {
  const auto plan = make_plan({sample_entry(8, 32)}, profile);
  return plan ? "" : plan.error().message;
}

TEST(RecipeCheck, RolesMayUseWhatThePointAndTheAgentSet) {
  EXPECT_EQ(check_says(sample()), "") << "the router needs etcd through prefill";
}

TEST(RecipeCheck, VariableThatARoleDoesNotNameIsReported) {
  auto profile = sample();
  profile.recipe.roles[1].server.env.clear();
  EXPECT_THAT(check_says(profile),
              HasSubstr("role prefill uses $MODEL, but its 'env' does not name MODEL, so it would"));
  profile.recipe.roles[1].server.env = {"MODL"};
  EXPECT_EQ(check_says(profile),
            "'env' of role prefill names the variable 'MODL', which no point has; did you mean 'MODEL'?");
}

TEST(RecipeCheck, AddressOfARoleThatIsNotNeededIsReported) {
  auto profile = sample();
  profile.recipe.roles[1].needs.clear();
  EXPECT_EQ(
      check_says(profile),
      "role prefill uses $ETCD, the address of role etcd, but does not need it; add etcd to its 'needs'");
  profile = sample();
  profile.recipe.roles[2].needs = {"etcd"};
  EXPECT_THAT(check_says(profile), HasSubstr("role router uses $PREFILL, the address of role prefill"));
}

TEST(RecipeCheck, UnknownVariableInATextIsReported) {
  auto profile = sample();
  profile.recipe.roles[1].texts = {{"ENDPOINT", "http://$ETC"}};
  EXPECT_EQ(
      check_says(profile),
      "role prefill: the value of ENDPOINT contains $ETC, which neither the point nor the agent sets; did you "
      "mean $ETCD?");
}

TEST(RecipeCheck, RoleMustNotReplaceAVariableOfThePoint) {
  auto profile = sample();
  profile.recipe.roles[0].name = "model";
  profile.recipe.roles[1].needs = {"model"};
  EXPECT_THAT(check_says(profile),
              HasSubstr("a role cannot be named 'model': its address would replace the point's"));
}

TEST(RecipeCheck, GangIsPlannedWithWhatItNeeds) {
  auto profile = sample();
  profile.recipe.roles[1].gpus = {16, ""};
  const Plan plan = sample_plan({sample_entry(8, 32)}, profile);
  EXPECT_EQ(core_points(plan)[0].gang->text, "16 GPUs on 2 nodes for 3 servers");
  EXPECT_EQ(core_points(plan)[0].gpus, 16);
  EXPECT_EQ(server_key(plan, 0), "");
}

}  // namespace
}  // namespace sweep
