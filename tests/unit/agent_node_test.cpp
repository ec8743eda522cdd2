// agent/core: what Slurm reports about the node: asked if the controller needs it, and sent with Ready.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/core/node_traits.hpp"
#include "tests/unit/agent_fixture.hpp"

namespace sweep::agent {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr const char* kNode =
    "NodeName=n1 Arch=x86_64 CoresPerSocket=16 AvailableFeatures=b200,ib ActiveFeatures=b200,ib "
    "Gres=gpu:b200:8(S:0-1),gpu:h200:2,nic:4 NodeAddr=n1 State=ALLOCATED Partitions=main \n";

TEST(NodeTraits, AreParsedFromScontrol) {
  EXPECT_THAT(parse_node_traits(kNode).features, ElementsAre("b200", "ib"));
  EXPECT_THAT(parse_node_traits(kNode).gpu_types, ElementsAre("b200", "h200"));
}

TEST(NodeTraits, MissingValuesAreEmpty) {
  for (const char* text : {"", "slurm_load_node error: Invalid node name specified",
                           " ActiveFeatures=(null) Gres=(null) ", " ActiveFeatures= Gres=gpu:8 "}) {
    EXPECT_THAT(parse_node_traits(text).features, IsEmpty()) << text;
    EXPECT_THAT(parse_node_traits(text).gpu_types, IsEmpty()) << text;
  }
}

TEST(NodeTraits, CommandNamesTheNode) {
  wire::Hello hello;
  hello.job = "12";
  hello.node = "n1";
  EXPECT_THAT(node_command(hello), ElementsAre("scontrol", "-o", "show", "node", "n1"));
  hello.node = "-x";
  EXPECT_THAT(node_command(hello), IsEmpty());
  hello.node = "n1";
  hello.job = "";
  EXPECT_THAT(node_command(hello), IsEmpty());
}

class NodeQueryAgent : public ScriptedAgent {
 public:
  explicit NodeQueryAgent(bool asks, Setup setup = in_slurm(), bool asks_gpus = false)
      : ScriptedAgent(std::move(setup)) {
    connect();
    auto welcome = wire::Welcome{"s", false, 10'000, 5'000};
    welcome.asks_node = asks;
    welcome.asks_gpus = asks_gpus;
    receive(welcome);
  }
  static Setup in_slurm() {
    auto setup = default_setup();
    setup.hello.job = "12";
    setup.environment.push_back("SLURM_JOB_PARTITION=main");
    return setup;
  }
};

TEST(NodeQuery, IsNotSentUnlessTheControllerAsks) {
  NodeQueryAgent agent(false);
  EXPECT_EQ(agent.asked_node, 0);
  EXPECT_THAT(agent.messages<wire::Ready>(), SizeIs(1));
}

TEST(NodeQuery, ReadyWaitsForTheAnswerAndContainsIt) {
  NodeQueryAgent agent(true);
  EXPECT_EQ(agent.asked_node, 1);
  EXPECT_THAT(agent.messages<wire::Ready>(), IsEmpty());
  agent.feed(parse_node_traits(kNode));
  const auto ready = agent.messages<wire::Ready>();
  ASSERT_THAT(ready, SizeIs(1));
  EXPECT_THAT(ready[0].features, ElementsAre("b200", "ib"));
  EXPECT_THAT(ready[0].gpu_types, ElementsAre("b200", "h200"));
  EXPECT_EQ(ready[0].partition, "main");
}

TEST(NodeQuery, ReadyIsSentWithoutAnAnswerAfterTheLimit) {
  NodeQueryAgent agent(true);
  agent.pass(Limits{}.job_end);
  ASSERT_THAT(agent.messages<wire::Ready>(), SizeIs(1));
  EXPECT_THAT(agent.messages<wire::Ready>()[0].features, IsEmpty());
}

TEST(NodeQuery, IsNotSentOutsideOfSlurm) {
  NodeQueryAgent agent(true, ScriptedAgent::default_setup());
  EXPECT_EQ(agent.asked_node, 0);
  EXPECT_THAT(agent.messages<wire::Ready>(), SizeIs(1));
}

TEST(NodeQuery, DriversGpuNamesAreReportedOnceKnown) {
  NodeQueryAgent agent(true);
  agent.feed(parse_node_traits(kNode));
  NvmlFacts facts;
  facts.gpus = {{"0", "NVIDIA B200", "u", ""}, {"1", "NVIDIA B200", "v", ""}};
  agent.feed(GpuReported{facts});
  const auto ready = agent.messages<wire::Ready>();
  ASSERT_THAT(ready, SizeIs(2));
  EXPECT_THAT(ready[1].gpu_types, ElementsAre("b200", "h200", "NVIDIA B200"));
}

class GpuQueryAgent : public NodeQueryAgent {
 public:
  explicit GpuQueryAgent(Setup setup = sampled()) : NodeQueryAgent(false, std::move(setup), true) {}
  static Setup sampled() {
    auto setup = in_slurm();
    setup.sampled = setup.hello.gpus;
    return setup;
  }
  std::vector<wire::Ready> ready() { return messages<wire::Ready>(); }
};

TEST(GpuQuery, ReadyWaitsForTheDriversNamesAndSlurmIsNotAsked) {
  GpuQueryAgent agent;
  EXPECT_THAT(agent.ready(), IsEmpty());
  NvmlFacts facts;
  facts.gpus = {{"0", "NVIDIA B200", "u", ""}};
  agent.feed(GpuReported{facts});
  ASSERT_THAT(agent.ready(), SizeIs(1));
  EXPECT_THAT(agent.ready()[0].gpu_names, ElementsAre("NVIDIA B200"));
  EXPECT_EQ(agent.asked_node, 0);
}

TEST(GpuQuery, SlurmIsAskedIfTheDriverReportsNoName) {
  GpuQueryAgent agent;
  agent.feed(GpuReported{TelemetryOff{"no NVML", true}});
  EXPECT_EQ(agent.asked_node, 1);
  EXPECT_THAT(agent.ready(), IsEmpty());
  agent.feed(parse_node_traits(kNode));
  ASSERT_THAT(agent.ready(), SizeIs(1));
  EXPECT_THAT(agent.ready()[0].gpu_types, ElementsAre("b200", "h200"));
  EXPECT_THAT(agent.ready()[0].gpu_names, IsEmpty());
}

TEST(GpuQuery, SlurmIsAskedIfNoGpuIsSampled) {
  GpuQueryAgent agent(NodeQueryAgent::in_slurm());
  EXPECT_EQ(agent.asked_node, 1);
}

TEST(GpuQuery, EachAnswerIsAwaitedForALimitedTime) {
  GpuQueryAgent agent;
  agent.pass(Limits{}.job_end);
  EXPECT_EQ(agent.asked_node, 1);
  EXPECT_THAT(agent.ready(), IsEmpty());
  agent.pass(Limits{}.job_end);
  ASSERT_THAT(agent.ready(), SizeIs(1));
  EXPECT_THAT(agent.ready()[0].gpu_types, IsEmpty());
}

TEST(GpuQuery, AgentWithoutGpusAsksNothing) {
  auto setup = NodeQueryAgent::in_slurm();
  setup.hello.gpus.clear();
  GpuQueryAgent agent(std::move(setup));
  EXPECT_EQ(agent.asked_node, 0);
  EXPECT_THAT(agent.ready(), SizeIs(1));
}

}  // namespace
}  // namespace sweep::agent
