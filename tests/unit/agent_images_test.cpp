// agent/core: leases with a container: the image first, then the command in it; what fails, whose fault that
// is, and what is staged ahead.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/core/contained.hpp"
#include "tests/unit/agent_fixture.hpp"

namespace sweep::agent {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

Setup of_profiles() {
  Setup setup = ScriptedAgent::some_setup();
  setup.hello.command = {};
  setup.program = "/opt/sweep-agent";
  setup.environment.push_back("SLURM_JOB_ID=12");
  setup.environment.push_back("SLURM_SWEEP_CLIENT_SECRET=s");
  setup.environment.push_back("OWN=1");
  return setup;
}

class ContainerAgent : public ScriptedAgent {
 public:
  explicit ContainerAgent(Setup setup = of_profiles()) : ScriptedAgent(std::move(setup)) { join(); }

  static wire::Lease boxed(const std::string& point, const std::string& image = "a/b:1") {
    wire::Lease out = lease(point);
    out.command = {"bash", "/home/u/run.sh"};
    out.container.runtime = "bwrap";
    out.container.image = image;
    out.container.workdir = "/workspace/";
    out.container.mounts = {"/raid:/raid:ro"};
    out.container.image_ms = 60'000;
    return out;
  }
  static container::Staged there() {
    return {
        container::Runtime::Bwrap, "/bin/bwrap", "bubblewrap 0.8", "/roots/a.root", 5, "d:1", {"OF_IMAGE=1"}};
  }
  void tell(container::Report report, int serial = 1) { feed(StageTold{serial, std::move(report)}); }
  container::StartRequest started() const {
    EXPECT_FALSE(spawned.empty());
    EXPECT_THAT(spawned.back().argv, SizeIs(3));
    const auto request = container::start_request_in(spawned.back().argv.at(2));
    EXPECT_TRUE(request);
    return request.value_or(container::StartRequest{});
  }
  std::vector<std::string> phases() const {
    std::vector<std::string> out;
    for (const auto& progress : said<wire::Progress>()) {
      if (out.empty() || out.back() != progress.phase) out.push_back(progress.phase);
    }
    return out;
  }
};

TEST(Images, TheImageComesFirstThenTheCommandInIt) {
  ContainerAgent dock;
  dock.hear(ContainerAgent::boxed("p1"));
  ASSERT_THAT(dock.staged, SizeIs(1));
  EXPECT_EQ(dock.staged[0].request.container.image, "a/b:1");
  EXPECT_EQ(dock.staged[0].request.node, "n1");
  EXPECT_FALSE(dock.staged[0].ahead);
  EXPECT_THAT(dock.spawned, IsEmpty());
  dock.tell(container::StageProgress{"importing", 5, 10});
  dock.tell(ContainerAgent::there());
  ASSERT_THAT(dock.spawned, SizeIs(1));
  EXPECT_TRUE(dock.spawned[0].contained);
  EXPECT_THAT(dock.spawned[0].argv, ElementsAre("/opt/sweep-agent", "--contain", testing::_));
  const auto request = dock.started();
  EXPECT_EQ(request.container.image, "/roots/a.root");
  EXPECT_EQ(request.tool, "/bin/bwrap");
  EXPECT_EQ(request.workspace, "/home/u");
  EXPECT_EQ(request.container.workdir, "/workspace/");
  EXPECT_THAT(request.argv, ElementsAre("bash", "/home/u/run.sh"));
  EXPECT_THAT(request.image_variables, ElementsAre("OF_IMAGE=1"));
  EXPECT_THAT(request.container.names, testing::IsSupersetOf({"CONC", "PORT", "HF_TOKEN", "SLURM_JOB_ID",
                                                    "CUDA_VISIBLE_DEVICES", "SWEEP_ATTEMPT"}));
  EXPECT_THAT(request.container.names, Not(Contains("SLURM_SWEEP_CLIENT_SECRET")));
  EXPECT_THAT(request.container.names, Not(Contains("OWN")));
  EXPECT_THAT(dock.phases(), Contains("image"));
  dock.start("p1");
  dock.leave_result("p1", "{}");
  dock.exit("p1");
  const auto finished = dock.said<wire::Finished>();
  ASSERT_THAT(finished, SizeIs(1));
  EXPECT_EQ(finished[0].outcome.kind, OutcomeKind::Ok);
  EXPECT_EQ(finished[0].account.origin.runtime.str(), "bubblewrap 0.8");
  EXPECT_EQ(finished[0].account.origin.digest.str(), "d:1");
  EXPECT_EQ(finished[0].account.phases[0].name, "image");
}

TEST(Images, TheNextAttemptFindsItThere) {
  ContainerAgent dock;
  dock.hear(ContainerAgent::boxed("p1"));
  dock.tell(ContainerAgent::there());
  dock.start("p1");
  dock.exit("p1", {1, {}});
  dock.hear(ContainerAgent::boxed("p2"));
  EXPECT_THAT(dock.staged, SizeIs(1));
  EXPECT_THAT(dock.spawned, SizeIs(2));
}

TEST(Images, AnotherImageNeedsNoTrialOfTheRuntime) {
  ContainerAgent dock;
  dock.hear(ContainerAgent::boxed("p1"));
  dock.tell(ContainerAgent::there());
  dock.start("p1");
  dock.exit("p1", {1, {}});
  dock.hear(ContainerAgent::boxed("p2", "a/b:2"));
  ASSERT_THAT(dock.staged, SizeIs(2));
  EXPECT_EQ(dock.staged[1].request.tool, "/bin/bwrap");
}

TEST(Images, WhoseFaultAFailureIsDecidesTheOutcome) {
  for (const bool of_image : {true, false}) {
    ContainerAgent dock;
    dock.hear(ContainerAgent::boxed("p1"));
    dock.tell(container::Failed{of_image, "node n1: no such image"});
    EXPECT_EQ(dock.outcome().kind, of_image ? OutcomeKind::BenchmarkFailed : OutcomeKind::Infrastructure);
    EXPECT_EQ(dock.outcome().reason, "node n1: no such image");
    EXPECT_EQ(dock.outcome().phase, "image");
    // It is tried anew.
    dock.hear(ContainerAgent::boxed("p2"));
    EXPECT_THAT(dock.staged, SizeIs(2));
  }
}

TEST(Images, OneThatTakesTooLongIsStopped) {
  ContainerAgent dock;
  dock.hear(ContainerAgent::boxed("p1"));
  dock.tell(container::StageProgress{"importing", 5, 10});
  dock.pass(Millis(59'999));
  EXPECT_THAT(dock.said<wire::Finished>(), IsEmpty());
  dock.pass(Millis(1));
  EXPECT_EQ(dock.outcome().kind, OutcomeKind::TimedOut);
  EXPECT_THAT(dock.outcome().reason, HasSubstr("'a/b:1' was not there in time (importing)"));
  EXPECT_THAT(dock.unstaged, ElementsAre(1));
}

TEST(Images, WhatCouldNotBeSetUpIsToldAndTheImageLookedAtAnew) {
  for (const bool of_image : {true, false}) {
    ContainerAgent dock;
    dock.hear(ContainerAgent::boxed("p1"));
    dock.tell(ContainerAgent::there());
    dock.start("p1");
    dock.feed(SetupFailed{{"p1", 1}, {of_image, "node n1: mount source '/x' cannot be used"}});
    dock.exit("p1", {125, {}});
    EXPECT_EQ(dock.outcome().kind, of_image ? OutcomeKind::BenchmarkFailed : OutcomeKind::Infrastructure);
    EXPECT_EQ(dock.outcome().reason, "node n1: mount source '/x' cannot be used");
    dock.hear(ContainerAgent::boxed("p2"));
    EXPECT_THAT(dock.staged, SizeIs(2));
  }
}

TEST(Images, TheNextOneIsStagedWhileThisOneRuns) {
  ContainerAgent dock;
  auto lease = ContainerAgent::boxed("p1");
  lease.container.next = "a/b:2";
  dock.hear(lease);
  EXPECT_THAT(dock.staged, SizeIs(1));  // this one first
  dock.tell(ContainerAgent::there());
  ASSERT_THAT(dock.staged, SizeIs(2));
  EXPECT_TRUE(dock.staged[1].ahead);
  EXPECT_EQ(dock.staged[1].request.container.image, "a/b:2");
  dock.start("p1");
  dock.exit("p1", {1, {}});
  // The point that needs it waits for the one that is on its way, and its time begins now.
  dock.pass(Millis(120'000));
  dock.hear(ContainerAgent::boxed("p2", "a/b:2"));
  EXPECT_THAT(dock.staged, SizeIs(2));
  dock.pass(Millis(59'000));
  dock.tell(ContainerAgent::there(), 2);
  EXPECT_THAT(dock.spawned, SizeIs(2));
}

TEST(Images, OneAheadThatFailsHarmsNobody) {
  ContainerAgent dock;
  auto lease = ContainerAgent::boxed("p1");
  lease.container.next = "a/b:2";
  dock.hear(lease);
  dock.tell(ContainerAgent::there());
  dock.tell(container::Failed{true, "no"}, 2);
  dock.start("p1");
  dock.leave_result("p1", "{}");
  dock.exit("p1");
  EXPECT_EQ(dock.outcome().kind, OutcomeKind::Ok);
}

TEST(Images, AnUnknownRuntimeIsTheNodesFault) {
  ContainerAgent dock;
  auto lease = ContainerAgent::boxed("p1");
  lease.container.runtime = "rkt";
  dock.hear(lease);
  EXPECT_EQ(dock.outcome().kind, OutcomeKind::Infrastructure);
  EXPECT_THAT(dock.outcome().reason, HasSubstr("knows no container runtime 'rkt'"));
}

TEST(Images, AnAgentThatLeavesStopsStaging) {
  ContainerAgent dock;
  dock.hear(ContainerAgent::boxed("p1"));
  dock.feed(Signalled{15});
  EXPECT_THAT(dock.unstaged, ElementsAre(1));
  EXPECT_EQ(dock.outcome().kind, OutcomeKind::Preempted);
}

TEST(Images, ACancelledPointLeavesTheImageToOthers) {
  ContainerAgent dock;
  dock.hear(ContainerAgent::boxed("p1"));
  dock.hear(wire::Cancel{{"p1", 1}, "enough"});
  EXPECT_EQ(dock.outcome().kind, OutcomeKind::Cancelled);
  EXPECT_THAT(dock.unstaged, IsEmpty());
}

TEST(Images, ACommandLineProgramIsFoundInside) {
  auto setup = of_profiles();
  setup.hello.command = {"./bench.sh", "x"};
  ContainerAgent beside(setup);
  beside.hear(ContainerAgent::boxed("p1"));
  beside.tell(ContainerAgent::there());
  EXPECT_THAT(beside.started().argv, ElementsAre("/workspace/bench.sh", "x"));
  EXPECT_THAT(beside.started().mounts, SizeIs(1));
  // With a workspace elsewhere its folder comes along.
  ContainerAgent elsewhere(setup);
  auto lease = ContainerAgent::boxed("p1");
  lease.workspace = "/scratch/ws";
  elsewhere.hear(lease);
  elsewhere.tell(ContainerAgent::there());
  EXPECT_THAT(elsewhere.started().argv, ElementsAre("/home/u/bench.sh", "x"));
  EXPECT_THAT(elsewhere.started().mounts, Contains(container::Mount{"/home/u", "/home/u", true}));
}

TEST(Images, AProgramOfTheProfileStartsAtTheWorkspace) {
  for (const bool boxed : {true, false}) {
    ContainerAgent dock;
    auto lease = boxed ? ContainerAgent::boxed("p1") : ScriptedAgent::lease("p1");
    lease.command = {"benchmarks/run.sh"};
    lease.workspace = "/scratch/checkout";
    dock.hear(lease);
    if (boxed) dock.tell(ContainerAgent::there());
    ASSERT_THAT(dock.spawned, SizeIs(1));
    EXPECT_EQ(boxed ? dock.started().argv[0] : dock.spawned[0].argv[0], "benchmarks/run.sh");
    EXPECT_EQ(dock.spawned[0].directory, "/scratch/checkout");
  }
}

wire::Lease recipe(const std::string& point) {
  auto out = ContainerAgent::boxed(point);
  out.environment = {{"TP", "4"}, {"CONC", "4"}};
  out.command = {"bash", "-c", "client"};
  out.server.key = "k";
  out.server.command = {"bash", "-c", "serve"};
  out.server.names = {"TP"};
  out.server.ready_log = "up";
  return out;
}

TEST(Images, ARecipesServerRunsInItAndItsClientOnTheNode) {
  ContainerAgent dock;
  dock.checks_ports = false;
  dock.hear(recipe("p1"));
  dock.tell(ContainerAgent::there());
  ASSERT_THAT(dock.spawned, SizeIs(1));
  EXPECT_TRUE(dock.spawned[0].contained);
  EXPECT_THAT(dock.started().argv, ElementsAre("bash", "-c", "serve"));
  EXPECT_THAT(dock.started().names, Contains("TP"));
  EXPECT_THAT(dock.started().names, Not(Contains("CONC")));
  dock.feed(ProcessStarted{{kServerRef, 1}, 500});
  dock.feed(Output{{kServerRef, 1}, false, "up\n"});
  ASSERT_THAT(dock.spawned, SizeIs(2));
  EXPECT_FALSE(dock.spawned[1].contained);
  EXPECT_THAT(dock.spawned[1].argv, ElementsAre("bash", "-c", "client"));
}

TEST(Images, OrBothRunInIt) {
  ContainerAgent dock;
  dock.checks_ports = false;
  auto lease = recipe("p1");
  lease.container.client_inside = true;
  dock.hear(lease);
  dock.tell(ContainerAgent::there());
  dock.feed(ProcessStarted{{kServerRef, 1}, 500});
  dock.feed(Output{{kServerRef, 1}, false, "up\n"});
  ASSERT_THAT(dock.spawned, SizeIs(2));
  EXPECT_TRUE(dock.spawned[1].contained);
}

TEST(Images, AServerWhoseContainerCannotBeSetUpHasFailed) {
  ContainerAgent dock;
  dock.checks_ports = false;
  dock.hear(recipe("p1"));
  dock.tell(ContainerAgent::there());
  dock.feed(ProcessStarted{{kServerRef, 1}, 500});
  dock.feed(SetupFailed{{kServerRef, 1}, {false, "node n1: no user namespaces"}});
  dock.feed(LeaderExited{{kServerRef, 1}, {125, {}}});
  dock.feed(GroupGone{{kServerRef, 1}});
  EXPECT_EQ(dock.outcome().kind, OutcomeKind::Infrastructure);
  EXPECT_EQ(dock.outcome().reason, "node n1: no user namespaces");
}

TEST(PathInside, ABranchOfTheWorkspaceIsOneOfTheWorkdir) {
  EXPECT_EQ(path_inside("/home/u/a/b", "/home/u", "/workspace/"), "/workspace/a/b");
  EXPECT_EQ(path_inside("/home/user/a", "/home/u", "/workspace/"), "/home/user/a");
  EXPECT_EQ(path_inside("bash", "/home/u", "/workspace"), "bash");
}

}  // namespace
}  // namespace sweep::agent
