// Containers, templates and runners: from the text of a profile to a lease.
#include "controller/profile/load_profile.hpp"
#include "tests/unit/plan_sample.hpp"
#include "util/json.hpp"

namespace sweep {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

profile::Profile profile_in(const std::string& text) {
  auto profile = profile::parse_profile(text, "p.yaml", {});
  EXPECT_TRUE(profile) << profile.error().message;
  return profile.value_or(profile::Profile{});
}

TEST(PlanContainer, LeaseHasNoContainerWithoutARuntime) {
  EXPECT_EQ(make_lease(sample_plan({sample_entry(4, 8)}), 0, 1, "n1").container.runtime, "");
  const auto plan = sample_plan({sample_entry(4, 8)}, profile_in("container: {mounts: [/a:/b]}"));
  EXPECT_EQ(make_lease(plan, 0, 1, "n1").container.runtime, "");
}

TEST(PlanContainer, TemplatesAreFilledForEachPoint) {
  const auto plan = sample_plan({sample_entry(4, 8), sample_entry(4, 8, "trt")}, profile_in(R"(
workspace: /ws/{model-prefix}
env: { WHERE: "{hw}{framework-suffix}", JSON: '{"a": 1}' }
container:
  runtime: enroot
  image: /raid/{precision}/{image-slug}.sqsh
  image-cache: /cache/{hw}
  mounts: ["/models/{model-prefix}:/models:ro"]
)"));
  const auto first = make_lease(plan, 0, 1, "n1"), second = make_lease(plan, 1, 1, "n1");
  EXPECT_EQ(first.workspace, "/ws/dsr1");
  EXPECT_EQ(first.container.image, "/raid/fp4/lmsysorg_sglang_v0.5.3rc1-cu129-b200.sqsh");
  EXPECT_EQ(first.container.cache, "/cache/b200");
  EXPECT_THAT(first.container.mounts, ElementsAre("/models/dsr1:/models:ro"));
  const auto value = [](const wire::Lease& lease, const std::string& name) {
    std::string last;
    for (const auto& [known, text] : lease.environment) {
      if (known == name) last = text;
    }
    return last;
  };
  EXPECT_EQ(value(first, "WHERE"), "b200");
  EXPECT_EQ(value(second, "WHERE"), "b200_trt");
  EXPECT_EQ(value(first, "JSON"), R"({"a": 1})");
}

TEST(PlanContainer, WrongPlaceholderOrImageIsReportedByThePlan) {
  const auto error_of = [](const std::string& text) {
    const auto plan = make_plan({sample_entry(4, 8)}, profile_in(text));
    return plan ? std::string() : plan.error().message;
  };
  EXPECT_THAT(
      error_of("container: {runtime: bwrap, image: '/x/{image-slog}'}"),
      HasSubstr(
          "unknown placeholder {image-slog} in the profile's 'container.image'; did you mean {image-slug}?"));
  EXPECT_THAT(error_of("container: {runtime: bwrap, mounts: ['/a{precision}']}"), HasSubstr("mount '/afp4'"));
  EXPECT_THAT(error_of("container: {runtime: bwrap, image: 'a b'}"), HasSubstr("'a b' is not an image name"));
  EXPECT_THAT(error_of("workspace: /x/{modle-prefix}"),
              HasSubstr("'workspace'; did you mean {model-prefix}?"));
  EXPECT_EQ(error_of("container: {runtime: none, image: 'a b'}"), "");
}

TEST(PlanContainer, KeysOfARunnerOverrideTheProfiles) {
  const auto plan = sample_plan({sample_entry(4, 8)}, profile_in(R"(
container: { runtime: pyxis, image-cache: /a, mounts: [/m:/m], writable: no }
env: { A: base, B: base }
runners:
  h200: { container: { image-cache: /h } }
  b200*: { container: { image-cache: none, writable: yes }, env: { B: own } }
)"));
  const auto lease = make_lease(plan, 0, 1, "n1");
  EXPECT_TRUE(lease.container.by_runtime);
  EXPECT_TRUE(lease.container.writable);
  EXPECT_EQ(lease.container.runtime, "pyxis");
  EXPECT_THAT(lease.container.mounts, ElementsAre("/m:/m"));
  EXPECT_THAT(lease.environment, testing::Contains(testing::Pair("B", "own")));
  EXPECT_THAT(lease.environment, testing::Contains(testing::Pair("A", "base")));
}

TEST(PlanRunners, NodeServesTheRunnersThatMatchItsTraits) {
  const auto profile = profile_in(R"(
runners:
  b200: { gpus: [b200], partition: dgx }
  b200-trt: { features: [b200, trt] }
  h200: { nodes: [h200-*, n9] }
  any: {}
)");
  using Names = std::vector<std::string>;
  EXPECT_EQ(served_by(profile, {"n1", "dgx", {"b200"}, {"NVIDIA B200"}}), (Names{"b200", "any"}));
  EXPECT_EQ(served_by(profile, {"n1", "other", {"trt", "b200"}, {"b200"}}), (Names{"b200-trt", "any"}));
  EXPECT_EQ(served_by(profile, {"h200-07", "", {}, {}}), (Names{"h200", "any"}));
  EXPECT_EQ(served_by(profile, {"n9", "", {}, {}}), (Names{"h200", "any"}));
  EXPECT_EQ(served_by(profile, {"n10", "", {}, {}}), (Names{"any"}));
  EXPECT_EQ(served_by({}, {"n1", "", {}, {}}), std::nullopt);
  EXPECT_TRUE(asks_node(profile));
  EXPECT_FALSE(asks_node(profile_in("runners: {h200: {nodes: [n1], partition: p}}")));
}

TEST(PlanRunners, APointBelongsToItsRunnersSection) {
  const auto profile = profile_in("runners: {'b200*': {}, b200-trt: {}}");
  auto entry = sample_entry(4, 8);
  const auto section = [&](const std::string& runner) {
    entry["runner"] = runner;
    return core_points(sample_plan({entry}, profile))[0].runner.str();
  };
  EXPECT_EQ(section("b200-nv_3"), "b200*");
  EXPECT_EQ(section("b200-trt"), "b200-trt");  // an exact name takes precedence over a pattern
  EXPECT_EQ(section("mi300x"), "mi300x");      // no node serves it
  EXPECT_EQ(section("h200-x"), "h200-x");
  const auto every = profile_in("runners: {'*': {}}");
  entry["runner"] = "b200";  // the section does not name the hardware, so nodes are compared with the type
  EXPECT_EQ(core_points(sample_plan({entry}, every))[0].runner.str(), "b200");
  entry["runner"] = "lab";
  EXPECT_EQ(core_points(sample_plan({entry}, every))[0].runner.str(), "*");
  EXPECT_EQ(core_points(sample_plan({entry}))[0].runner.str(), "");  // any node serves it
}

TEST(PlanRunners, PointsOfDifferentRunnersDoNotShareAServer) {
  auto one = sample_entry(4, 8), two = sample_entry(4, 8);
  two["runner"] = "b200-x";
  const std::string recipe =
      "benchmark: {server: {command: serve, env: [MODEL], ready: {url: /h}}, client: {command: c}}\n";
  const auto shared = sample_plan({one, two}, profile_in(recipe));
  EXPECT_EQ(server_key(shared, 0), server_key(shared, 1));
  const auto apart = sample_plan({one, two}, profile_in(recipe + "runners: {b200: {}, b200-x: {}}"));
  EXPECT_NE(server_key(apart, 0), server_key(apart, 1));
}

TEST(NextImage, IsTheNextDifferentImageAmongPendingPoints) {
  auto entries = std::vector{sample_entry(4, 8), sample_entry(4, 16), sample_entry(4, 8, "trt"),
                             sample_entry(4, 16, "vllm")};
  entries[2]["image"] = "nvcr.io#a/trt:1";
  entries[3]["image"] = "a/vllm:1";
  const auto plan = sample_plan(entries, profile_in("container: {runtime: enroot}"));
  const auto state = core::make_state(core_settings(plan), core_points(plan));
  core::AgentStatus agent;
  agent.info.gpus = {"0", "1", "2", "3"};
  EXPECT_EQ(next_image(plan, state, 0, agent), "nvcr.io#a/trt:1");
  EXPECT_EQ(next_image(plan, state, 2, agent), "lmsysorg/sglang:v0.5.3rc1-cu129-b200");
  agent.info.gpus = {"0"};
  EXPECT_EQ(next_image(plan, state, 0, agent), "");  // no point fits on its GPUs
  agent.info.gpus = {"0", "1", "2", "3"};
  const auto without = sample_plan(entries, profile_in("container: {runtime: enroot, prefetch: no}"));
  EXPECT_EQ(next_image(without, state, 0, agent), "");
}

// ---- agents in the image

constexpr const char* kInside =
    "container: { runtime: pyxis, agent: image, mounts: [/m:/m:ro], env: [TZ], image: /i.sqsh }\n";

TEST(PlanStep, OneContainerServesAllPoints) {
  const auto plan = sample_plan({sample_entry(4, 8), sample_entry(4, 8, "trt")},
                                profile_in(std::string(kInside) + "workspace: /ws"));
  ASSERT_TRUE(plan.step);
  container::StepRequest expected;
  expected.workspace = "/ws";
  expected.container.image = "/i.sqsh";
  expected.container.workdir = "/workspace/";
  expected.container.mounts = {"/m:/m:ro"};
  expected.container.names = {"TZ"};
  EXPECT_EQ(*plan.step, expected);
  const auto lease = make_lease(plan, 1, 1, "n1");
  EXPECT_EQ(lease.container.runtime, "");
  EXPECT_EQ(lease.workspace, "/workspace/");
  EXPECT_THAT(lease.environment, testing::Contains(testing::Pair("HOME", "/tmp")));
  EXPECT_EQ(next_image(plan, core::make_state(core_settings(plan), core_points(plan)), 0, {}), "");
}

TEST(PlanStep, ImageIsWrittenInPyxisSyntax) {
  auto entry = sample_entry(4, 8);
  entry["image"] = "nvcr.io/nvidia/tensorrt-llm/release:1";
  EXPECT_EQ(
      sample_plan({entry}, profile_in("container: {runtime: pyxis, agent: image}")).step->container.image,
      "nvcr.io#nvidia/tensorrt-llm/release:1");
}

TEST(PlanStep, PlanHasNoStepWithoutAgentImage) {
  EXPECT_FALSE(sample_plan({sample_entry(4, 8)}, profile_in("container: {runtime: pyxis}")).step);
  EXPECT_FALSE(
      sample_plan({sample_entry(4, 8)}, profile_in("container: {runtime: pyxis, agent: node}")).step);
}

TEST(PlanStep, HomeOfTheProfileTakesPrecedence) {
  const auto lease = make_lease(
      sample_plan({sample_entry(4, 8)}, profile_in(std::string(kInside) + "env: { HOME: /h }")), 0, 1, "n1");
  std::string last;
  for (const auto& [name, value] : lease.environment)
    if (name == "HOME") last = value;
  EXPECT_EQ(last, "/h");
}

TEST(PlanStep, ErrorNamesWhatOneContainerCannotServe) {
  auto other = sample_entry(4, 8, "trt");
  other["image"] = "nvcr.io#a/trt:1";
  const std::vector entries{sample_entry(4, 8), other};
  const auto error_of = [&](const std::string& text) {
    const auto plan = make_plan(entries, profile_in(text));
    return plan ? std::string() : plan.error().message;
  };
  EXPECT_THAT(
      error_of("container: {runtime: pyxis, agent: image}"),
      AllOf(HasSubstr("'container.image' ('lmsysorg/sglang:v0.5.3rc1-cu129-b200' and 'nvcr.io#a/trt:1')"),
            HasSubstr("differ; choose points with the same value with --select")));
  EXPECT_THAT(error_of("container: {runtime: auto, agent: image, image: /i}"),
              HasSubstr("needs 'runtime: pyxis'"));
  EXPECT_THAT(error_of("container: {agent: image, image: /i}"), HasSubstr("the runtime is none"));
  EXPECT_THAT(error_of("container: {runtime: pyxis, agent: image, image: /i, options: [--x]}"),
              HasSubstr("'container.options' cannot be combined with 'container.agent: image'"));
  EXPECT_THAT(
      error_of("container: {runtime: pyxis, agent: image, image: /i, mounts: ['/m{framework-suffix}:/m']}"),
      HasSubstr("'container.mounts' of"));
  EXPECT_THAT(
      error_of("container: {runtime: pyxis, agent: image, image: /i, workdir: '/w{framework-suffix}'}"),
      HasSubstr("'container.workdir' of"));
  EXPECT_THAT(
      error_of("runners: {b200: {container: {runtime: pyxis, agent: image, image: /i, workdir: '/a b'}}}"),
      HasSubstr("pyxis cannot mount '/a b' ('container.workdir')"));
  EXPECT_THAT(
      error_of("workspace: '/w{framework-suffix}'\ncontainer: {runtime: pyxis, agent: image, image: /i}"),
      HasSubstr("'workspace' ('/w' and '/w_trt')"));
}

}  // namespace
}  // namespace sweep
