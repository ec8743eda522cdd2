// Whether the hardware that a point names is that of the node.
#include "controller/core/decide.hpp"
#include "controller/plan/hardware.hpp"
#include "controller/profile/load_profile.hpp"
#include "tests/unit/plan_sample.hpp"

namespace sweep {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Optional;
using testing::UnorderedElementsAre;

profile::Profile profile_of(const std::string& text) {
  auto profile = profile::parse_profile(text, "p.yaml", {});
  EXPECT_TRUE(profile) << profile.error().message;
  return profile ? *profile : profile::Profile{};
}

ordered_json entry_on(const std::string& runner, int conc = 4) {
  auto entry = sample_entry(8, conc);
  entry["runner"] = runner;
  return entry;
}

profile::NodeTraits node_with(std::vector<std::string> gres, std::vector<std::string> names = {}) {
  std::vector<std::string> types = gres;
  types.insert(types.end(), names.begin(), names.end());
  return {"n1", "", {}, std::move(types), std::move(names)};
}

TEST(Hardware, ModelIsFoundInNamesOfGresDriverAndRunners) {
  const std::vector<std::pair<const char*, const char*>> samples = {
      {"h200", "h200"},
      {"H200-nv_1", "h200"},
      {"b200-trt", "b200"},
      {"gb200-nv", "gb200"},
      {"mi300x", "mi300x"},
      {"NVIDIA H200", "h200"},
      {"NVIDIA H100 80GB HBM3", "h100"},
      {"NVIDIA A100-SXM4-80GB", "a100"},
      {"NVIDIA GH200 480GB", "gh200"},
      {"AMD Instinct MI355X OAM", "mi355x"},
      {"nvidia_h200", "h200"},
      {"NVIDIA L4", "l4"},
      {"l40s", "l40s"},
      {"NVIDIA H100 80GB HBM3 MIG 1g.10gb", "h100"},
      {"gpu", ""},
      {"1g.10gb", ""},
      {"tesla", ""},
      {"cpu", ""},
      {"", ""}};
  for (const auto& [name, model] : samples)
    EXPECT_EQ(gpu_model(name), model) << name;
}

TEST(Hardware, NodeDoesNotServeATypeThatItsGpusContradict) {
  const Plan plan = sample_plan({entry_on("b200")});
  EXPECT_EQ(served_by(plan, node_with({})), std::nullopt);
  EXPECT_EQ(served_by(plan, node_with({"tesla"})), std::nullopt);  // says nothing
  EXPECT_EQ(served_by(plan, node_with({"b200"})), std::nullopt);
  EXPECT_THAT(served_by(plan, node_with({"h200"})), Optional(ElementsAre()));
  EXPECT_THAT(served_by(plan, node_with({"nvidia_h200"})), Optional(ElementsAre()));
  EXPECT_THAT(served_by(plan, node_with({"gb200"})), Optional(ElementsAre()));
}

TEST(Hardware, DriversNamesCountBeforeSlurmsTypes) {
  const Plan plan = sample_plan({entry_on("b200")});
  EXPECT_THAT(served_by(plan, node_with({"b200", "h200"}, {"NVIDIA H200"})), Optional(ElementsAre()));
  EXPECT_EQ(served_by(plan, node_with({"h200"}, {"NVIDIA B200"})), std::nullopt);
  EXPECT_EQ(hardware_of({}, node_with({"h200"}, {"NVIDIA B200"})).from, "nvml");
  EXPECT_EQ(hardware_of({}, node_with({"h200"}, {"NVIDIA Graphics Device"})),
            (core::Hardware{"h200", "gres", false}));
}

TEST(Hardware, RunnersThatNameGpusHaveTheLastWord) {
  const std::vector entries = {entry_on("b200"), entry_on("h200")};
  const Plan mapped = sample_plan(entries, profile_of("runners: {b200: {nodes: [n*]}, h200: {nodes: [n*]}}"));
  EXPECT_THAT(served_by(mapped, node_with({"h200"})), Optional(ElementsAre("h200")));
  EXPECT_THAT(served_by(mapped, node_with({})), Optional(UnorderedElementsAre("b200", "h200")));
  const Plan named = sample_plan({entry_on("b200")}, profile_of("runners: {b200: {gpus: [gb200]}}"));
  EXPECT_THAT(served_by(named, node_with({"gb200"})), Optional(ElementsAre("b200")));
  const Plan any = sample_plan(entries, profile_of("runners: {'*': {}}"));
  EXPECT_THAT(served_by(any, node_with({}, {"NVIDIA H200"})), Optional(UnorderedElementsAre("h200", "*")));
}

TEST(Hardware, IsNotComparedIfGpusAreIgnored) {
  const Plan plan = sample_plan({entry_on("b200")}, profile_of("gpus: ignore\n"));
  EXPECT_EQ(served_by(plan, node_with({"h200"})), std::nullopt);
  EXPECT_FALSE(asks_gpus(plan));
  EXPECT_TRUE(asks_gpus(sample_plan({entry_on("b200")})));
  EXPECT_FALSE(asks_gpus(sample_plan({entry_on("lab")})));
}

TEST(Hardware, SeveralTypesNeedRunnersInTheProfile) {
  const std::vector entries = {entry_on("h200"), entry_on("b200", 4), entry_on("b200", 8)};
  const auto refused = check_hardware(sample_plan(entries), "--seq-lens 1k1k");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message,
              AllOf(HasSubstr("2 hardware types, b200 (2 points), h200 (1 point)"),
                    HasSubstr("--sweep-select='--seq-lens 1k1k --runner-type h200'"),
                    HasSubstr("runners: { b200: { nodes: [...] }, h200: { nodes: [...] } }")));
  EXPECT_TRUE(check_hardware(sample_plan(entries, profile_of("runners: {b200: {}, h200: {}}")), ""));
  EXPECT_TRUE(check_hardware(sample_plan({entry_on("b200", 4), entry_on("b200", 8)}), ""));
}

TEST(Hardware, SourceOfTheLabelIsTheBestEvidence) {
  const auto source = [](const Plan& plan, const profile::NodeTraits& node) {
    core::State state = core::make_state(core_settings(plan), core_points(plan));
    const Instant now = from_unix_ms(1'700'000'000'000);
    core::AgentInfo info;
    info.id = "a";
    info.node = node.node;
    info.gpus = {"0", "1", "2", "3", "4", "5", "6", "7"};
    core::advance(state, core::Hello{info}, now);
    core::advance(state, core::Ready{"a", {}, served_by(plan, node), hardware_of(plan.profile, node)}, now);
    EXPECT_EQ(state.points[0].attempts.size(), 1U);
    return hardware_source(plan, state, {plan.points[0].id, 1});
  };
  const Plan plain = sample_plan({entry_on("b200-trt")});
  EXPECT_EQ(source(plain, node_with({})), "matrix");
  EXPECT_EQ(source(plain, node_with({"b200"})), "gres");
  EXPECT_EQ(source(plain, node_with({"b200"}, {"NVIDIA B200"})), "nvml");
  const Plan mapped = sample_plan({entry_on("b200-trt")}, profile_of("runners: {'b200*': {nodes: [n1]}}"));
  EXPECT_EQ(source(mapped, node_with({})), "runners");
  EXPECT_EQ(source(mapped, node_with({"b200"})), "gres");
}

}  // namespace
}  // namespace sweep
