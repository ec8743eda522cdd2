// agent/core: leases with a container: the image is staged, then the command starts in it; which failures are
// the image's or the node's fault; and what is staged ahead.
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

Setup setup_without_command() {
  Setup setup = ScriptedAgent::default_setup();
  setup.hello.command = {};
  setup.program = "/opt/sweep-agent";
  setup.environment.push_back("SLURM_JOB_ID=12");
  setup.environment.push_back("SLURM_SWEEP_CLIENT_SECRET=s");
  setup.environment.push_back("OWN=1");
  return setup;
}

class ContainerAgent : public ScriptedAgent {
 public:
  explicit ContainerAgent(Setup setup = setup_without_command()) : ScriptedAgent(std::move(setup)) { join(); }

  static wire::Lease container_lease(const std::string& point, const std::string& image = "a/b:1") {
    wire::Lease out = lease(point);
    out.command = {"bash", "/home/u/run.sh"};
    out.container.runtime = "bwrap";
    out.container.image = image;
    out.container.workdir = "/workspace/";
    out.container.mounts = {"/raid:/raid:ro"};
    out.container.image_ms = 60'000;
    return out;
  }
  static container::Staged staged_image() {
    return {
        container::Runtime::Bwrap, "/bin/bwrap", "bubblewrap 0.8", "/roots/a.root", 5, "d:1", {"OF_IMAGE=1"}};
  }
  void stage_reports(container::Report report, int serial = 1) {
    feed(StageReported{serial, std::move(report)});
  }
  container::StartRequest started() const {
    EXPECT_FALSE(spawned.empty());
    EXPECT_THAT(spawned.back().argv, SizeIs(3));
    const auto request = container::start_request_in(spawned.back().argv.at(2));
    EXPECT_TRUE(request);
    return request.value_or(container::StartRequest{});
  }
  std::vector<std::string> phases() const {
    std::vector<std::string> out;
    for (const auto& progress : messages<wire::Progress>()) {
      if (out.empty() || out.back() != progress.phase) out.push_back(progress.phase);
    }
    return out;
  }
};

TEST(Images, ImageIsStagedThenTheCommandStartsInIt) {
  ContainerAgent agent;
  agent.receive(ContainerAgent::container_lease("p1"));
  ASSERT_THAT(agent.staged, SizeIs(1));
  EXPECT_EQ(agent.staged[0].request.container.image, "a/b:1");
  EXPECT_EQ(agent.staged[0].request.node, "n1");
  EXPECT_FALSE(agent.staged[0].ahead);
  EXPECT_THAT(agent.spawned, IsEmpty());
  agent.stage_reports(container::StageProgress{"importing", 5, 10});
  agent.stage_reports(ContainerAgent::staged_image());
  ASSERT_THAT(agent.spawned, SizeIs(1));
  EXPECT_TRUE(agent.spawned[0].contained);
  EXPECT_THAT(agent.spawned[0].argv, ElementsAre("/opt/sweep-agent", "--contain", testing::_));
  const auto request = agent.started();
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
  EXPECT_THAT(agent.phases(), Contains("image"));
  agent.start("p1");
  agent.leave_result("p1", "{}");
  agent.exit("p1");
  const auto finished = agent.messages<wire::Finished>();
  ASSERT_THAT(finished, SizeIs(1));
  EXPECT_EQ(finished[0].outcome.kind, OutcomeKind::Ok);
  EXPECT_EQ(finished[0].account.origin.runtime.str(), "bubblewrap 0.8");
  EXPECT_EQ(finished[0].account.origin.digest.str(), "d:1");
  EXPECT_EQ(finished[0].account.phases[0].name, "image");
}

TEST(Images, NextAttemptUsesTheStagedImage) {
  ContainerAgent agent;
  agent.receive(ContainerAgent::container_lease("p1"));
  agent.stage_reports(ContainerAgent::staged_image());
  agent.start("p1");
  agent.exit("p1", {1, {}});
  agent.receive(ContainerAgent::container_lease("p2"));
  EXPECT_THAT(agent.staged, SizeIs(1));
  EXPECT_THAT(agent.spawned, SizeIs(2));
}

TEST(Images, SecondImageUsesTheRuntimeThatWorked) {
  ContainerAgent agent;
  agent.receive(ContainerAgent::container_lease("p1"));
  agent.stage_reports(ContainerAgent::staged_image());
  agent.start("p1");
  agent.exit("p1", {1, {}});
  agent.receive(ContainerAgent::container_lease("p2", "a/b:2"));
  ASSERT_THAT(agent.staged, SizeIs(2));
  EXPECT_EQ(agent.staged[1].request.tool, "/bin/bwrap");
}

TEST(Images, ImageOrNodeFaultDecidesTheOutcome) {
  for (const bool of_image : {true, false}) {
    ContainerAgent agent;
    agent.receive(ContainerAgent::container_lease("p1"));
    agent.stage_reports(container::Failed{of_image, "node n1: no such image"});
    EXPECT_EQ(agent.outcome().kind, of_image ? OutcomeKind::BenchmarkFailed : OutcomeKind::Infrastructure);
    EXPECT_EQ(agent.outcome().reason, "node n1: no such image");
    EXPECT_EQ(agent.outcome().phase, "image");
    // The next attempt tries again.
    agent.receive(ContainerAgent::container_lease("p2"));
    EXPECT_THAT(agent.staged, SizeIs(2));
  }
}

TEST(Images, StagingThatTakesTooLongIsStopped) {
  ContainerAgent agent;
  agent.receive(ContainerAgent::container_lease("p1"));
  agent.stage_reports(container::StageProgress{"importing", 5, 10});
  agent.pass(Millis(59'999));
  EXPECT_THAT(agent.messages<wire::Finished>(), IsEmpty());
  agent.pass(Millis(1));
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::TimedOut);
  EXPECT_THAT(agent.outcome().reason, HasSubstr("staging the image 'a/b:1' took too long (importing)"));
  EXPECT_THAT(agent.unstaged, ElementsAre(1));
}

TEST(Images, SetUpFailureIsReportedAndTheImageStagedAgain) {
  for (const bool of_image : {true, false}) {
    ContainerAgent agent;
    agent.receive(ContainerAgent::container_lease("p1"));
    agent.stage_reports(ContainerAgent::staged_image());
    agent.start("p1");
    agent.feed(SetupFailed{{"p1", 1}, {of_image, "node n1: mount source '/x' cannot be used"}});
    agent.exit("p1", {125, {}});
    EXPECT_EQ(agent.outcome().kind, of_image ? OutcomeKind::BenchmarkFailed : OutcomeKind::Infrastructure);
    EXPECT_EQ(agent.outcome().reason, "node n1: mount source '/x' cannot be used");
    agent.receive(ContainerAgent::container_lease("p2"));
    EXPECT_THAT(agent.staged, SizeIs(2));
  }
}

TEST(Images, NextImageIsStagedWhileAnAttemptRuns) {
  ContainerAgent agent;
  auto lease = ContainerAgent::container_lease("p1");
  lease.container.next = "a/b:2";
  agent.receive(lease);
  EXPECT_THAT(agent.staged, SizeIs(1));  // not while the first one is being staged
  agent.stage_reports(ContainerAgent::staged_image());
  ASSERT_THAT(agent.staged, SizeIs(2));
  EXPECT_TRUE(agent.staged[1].ahead);
  EXPECT_EQ(agent.staged[1].request.container.image, "a/b:2");
  agent.start("p1");
  agent.exit("p1", {1, {}});
  // The point that needs the image waits for the staging that has begun; its time limit begins now.
  agent.pass(Millis(120'000));
  agent.receive(ContainerAgent::container_lease("p2", "a/b:2"));
  EXPECT_THAT(agent.staged, SizeIs(2));
  agent.pass(Millis(59'000));
  agent.stage_reports(ContainerAgent::staged_image(), 2);
  EXPECT_THAT(agent.spawned, SizeIs(2));
}

TEST(Images, FailedStagingAheadEndsNoAttempt) {
  ContainerAgent agent;
  auto lease = ContainerAgent::container_lease("p1");
  lease.container.next = "a/b:2";
  agent.receive(lease);
  agent.stage_reports(ContainerAgent::staged_image());
  agent.stage_reports(container::Failed{true, "no"}, 2);
  agent.start("p1");
  agent.leave_result("p1", "{}");
  agent.exit("p1");
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::Ok);
}

TEST(Images, UnknownRuntimeIsAnInfrastructureFailure) {
  ContainerAgent agent;
  auto lease = ContainerAgent::container_lease("p1");
  lease.container.runtime = "rkt";
  agent.receive(lease);
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::Infrastructure);
  EXPECT_THAT(agent.outcome().reason, HasSubstr("unknown container runtime 'rkt'"));
}

TEST(Images, LeavingAgentStopsStaging) {
  ContainerAgent agent;
  agent.receive(ContainerAgent::container_lease("p1"));
  agent.feed(Signalled{15});
  EXPECT_THAT(agent.unstaged, ElementsAre(1));
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::Preempted);
}

TEST(Images, StagingContinuesForOthersAfterACancellation) {
  ContainerAgent agent;
  agent.receive(ContainerAgent::container_lease("p1"));
  agent.receive(wire::Cancel{{"p1", 1}, "enough"});
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::Cancelled);
  EXPECT_THAT(agent.unstaged, IsEmpty());
}

TEST(Images, CommandLineProgramIsFoundInTheContainer) {
  auto setup = setup_without_command();
  setup.hello.command = {"./bench.sh", "x"};
  ContainerAgent beside(setup);
  beside.receive(ContainerAgent::container_lease("p1"));
  beside.stage_reports(ContainerAgent::staged_image());
  EXPECT_THAT(beside.started().argv, ElementsAre("/workspace/bench.sh", "x"));
  EXPECT_THAT(beside.started().container.mounts, SizeIs(1));
  // If the workspace is another directory, the program's folder is mounted too.
  ContainerAgent elsewhere(setup);
  auto lease = ContainerAgent::container_lease("p1");
  lease.workspace = "/scratch/ws";
  elsewhere.receive(lease);
  elsewhere.stage_reports(ContainerAgent::staged_image());
  EXPECT_THAT(elsewhere.started().argv, ElementsAre("/home/u/bench.sh", "x"));
  EXPECT_THAT(elsewhere.started().container.mounts, Contains("/home/u:/home/u:ro"));
}

TEST(Images, ProfilesRelativeProgramStartsAtTheWorkspace) {
  for (const bool container_lease : {true, false}) {
    ContainerAgent agent;
    auto lease = container_lease ? ContainerAgent::container_lease("p1") : ScriptedAgent::lease("p1");
    lease.command = {"benchmarks/run.sh"};
    lease.workspace = "/scratch/checkout";
    agent.receive(lease);
    if (container_lease) agent.stage_reports(ContainerAgent::staged_image());
    ASSERT_THAT(agent.spawned, SizeIs(1));
    EXPECT_EQ(container_lease ? agent.started().argv[0] : agent.spawned[0].argv[0], "benchmarks/run.sh");
    EXPECT_EQ(agent.spawned[0].directory, "/scratch/checkout");
  }
}

wire::Lease recipe(const std::string& point) {
  auto out = ContainerAgent::container_lease(point);
  out.environment = {{"TP", "4"}, {"CONC", "4"}};
  out.command = {"bash", "-c", "client"};
  out.server.key = "k";
  out.server.command = {"bash", "-c", "serve"};
  out.server.names = {"TP"};
  out.server.ready_log = "up";
  return out;
}

TEST(Images, ServerRunsInTheContainerAndClientOnTheNode) {
  ContainerAgent agent;
  agent.checks_ports = false;
  agent.receive(recipe("p1"));
  agent.stage_reports(ContainerAgent::staged_image());
  ASSERT_THAT(agent.spawned, SizeIs(1));
  EXPECT_TRUE(agent.spawned[0].contained);
  EXPECT_THAT(agent.started().argv, ElementsAre("bash", "-c", "serve"));
  EXPECT_THAT(agent.started().container.names, Contains("TP"));
  EXPECT_THAT(agent.started().container.names, Not(Contains("CONC")));
  agent.feed(ProcessStarted{{kServerRef, 1}, 500});
  agent.feed(Output{{kServerRef, 1}, false, "up\n"});
  ASSERT_THAT(agent.spawned, SizeIs(2));
  EXPECT_FALSE(agent.spawned[1].contained);
  EXPECT_THAT(agent.spawned[1].argv, ElementsAre("bash", "-c", "client"));
}

TEST(Images, ServerAndClientCanBothRunInTheContainer) {
  ContainerAgent agent;
  agent.checks_ports = false;
  auto lease = recipe("p1");
  lease.container.client_inside = true;
  agent.receive(lease);
  agent.stage_reports(ContainerAgent::staged_image());
  agent.feed(ProcessStarted{{kServerRef, 1}, 500});
  agent.feed(Output{{kServerRef, 1}, false, "up\n"});
  ASSERT_THAT(agent.spawned, SizeIs(2));
  EXPECT_TRUE(agent.spawned[1].contained);
}

TEST(Images, ServerFailsIfItsContainerCannotBeSetUp) {
  ContainerAgent agent;
  agent.checks_ports = false;
  agent.receive(recipe("p1"));
  agent.stage_reports(ContainerAgent::staged_image());
  agent.feed(ProcessStarted{{kServerRef, 1}, 500});
  agent.feed(SetupFailed{{kServerRef, 1}, {false, "node n1: no user namespaces"}});
  agent.feed(LeaderExited{{kServerRef, 1}, {125, {}}});
  agent.feed(GroupGone{{kServerRef, 1}});
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::Infrastructure);
  EXPECT_EQ(agent.outcome().reason, "node n1: no user namespaces");
}

TEST(PathInside, PathBelowTheWorkspaceIsBelowTheWorkdir) {
  EXPECT_EQ(path_inside("/home/u/a/b", "/home/u", "/workspace/"), "/workspace/a/b");
  EXPECT_EQ(path_inside("/home/user/a", "/home/u", "/workspace/"), "/home/user/a");
  EXPECT_EQ(path_inside("bash", "/home/u", "/workspace"), "bash");
}

}  // namespace
}  // namespace sweep::agent
