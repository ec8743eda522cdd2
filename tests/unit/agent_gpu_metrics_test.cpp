// agent/core: when an attempt leaves a gpu_metrics.csv of its own, and from when to when its samples are.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "agent/core/gpu_metrics.hpp"
#include "tests/unit/agent_fixture.hpp"

namespace sweep::agent {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

Setup two_sampled_gpus() {
  Setup setup = ScriptedAgent::default_setup({"0", "1"});
  setup.sampled = {"0", "1"};
  return setup;
}

const std::string kPath = "/home/u/gpu_metrics.csv";

class MeasuredAgent : public ScriptedAgent {
 public:
  explicit MeasuredAgent(Setup setup = two_sampled_gpus()) : ScriptedAgent(std::move(setup)) { join(); }

  static wire::Lease measured(const std::string& point) {
    wire::Lease out = lease(point, 2);
    out.gpu_metrics = true;
    return out;
  }
  void sample_one(const std::string& gpu, std::int64_t watts) {
    GpuSample one;
    one.at = now;
    one.gpu = gpu;
    one.power_mw = watts * 1'000;
    one.processes = one.utilization_percent = 0;
    feed(GpuReported{one});
  }
  void sample(std::int64_t watts) {
    sample_one("0", watts);
    sample_one("1", watts);
  }
  /// Brings the attempt "p" to where its process runs; the last sample before has 90 W.
  void run(const wire::Lease& lease = measured("p")) {
    receive(lease);
    pass(Millis(100));
    sample(90);
    pass(Millis(400));
    start("p");
  }
  std::size_t lines() const {
    const auto file = files.find(kPath);
    return file == files.end() ? 0
                               : static_cast<std::size_t>(
                                     std::count(file->second.bytes.begin(), file->second.bytes.end(), '\n'));
  }
};

TEST(GpuMetrics, TextBeginsBeforeTheStartAndEndsAfterTheEndOfTheProcess) {
  MeasuredAgent agent;
  agent.run();
  agent.pass(Millis(1'000));
  agent.sample(500);
  agent.pass(Millis(1));
  agent.leave_result("p", "{}");
  agent.exit("p");
  EXPECT_THAT(agent.left_metrics, IsEmpty()) << "the last sample is from before the end";
  EXPECT_THAT(agent.messages<wire::Finished>(), IsEmpty());
  agent.pass(Millis(700));
  agent.sample_one("0", 100);
  EXPECT_THAT(agent.left_metrics, IsEmpty()) << "GPU 1 has no sample from after the end";
  agent.sample_one("1", 100);
  EXPECT_THAT(agent.left_metrics, ElementsAre(kPath));
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::Ok);
  const std::string& text = agent.files[kPath].bytes;
  EXPECT_THAT(text, StartsWith("timestamp, index, power.draw [W]"));
  for (const char* watts : {"90.00 W", "500.00 W", "100.00 W"})
    EXPECT_THAT(text, HasSubstr(watts));
  EXPECT_EQ(agent.lines(), 7u) << text;
  EXPECT_THAT(agent.gpu_samples, IsEmpty()) << "what was kept is dropped";
}

TEST(GpuMetrics, FileOfTheScriptIsKept) {
  MeasuredAgent agent;
  agent.run();
  agent.leave_file(kPath, "of the script");
  agent.leave_result("p", "{}");
  agent.exit("p");
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::Ok) << "there is nothing to wait for";
  EXPECT_EQ(agent.files[kPath].bytes, "of the script");
  EXPECT_THAT(agent.gpu_samples, IsEmpty());
}

TEST(GpuMetrics, FileOfAnEarlierAttemptIsReplaced) {
  MeasuredAgent agent;
  agent.leave_file(kPath, "old");
  agent.run();
  agent.leave_result("p", "{}");
  agent.exit("p");
  agent.pass(Millis(500));
  agent.sample(100);
  EXPECT_THAT(agent.files[kPath].bytes, StartsWith("timestamp"));
}

TEST(GpuMetrics, NameComesFromTheLeaseThenFromTheAgentsEnvironment) {
  EXPECT_EQ(gpu_metrics_name({}, {}), "gpu_metrics.csv");
  EXPECT_EQ(gpu_metrics_name({"GPU_METRICS_CSV=a.csv"}, {}), "a.csv");
  EXPECT_EQ(gpu_metrics_name({"GPU_METRICS_CSV=a.csv"},
                             {{"GPU_METRICS_CSV", "b.csv"}, {"GPU_METRICS_CSV", "/c.csv"}}),
            "/c.csv");
  MeasuredAgent agent;
  wire::Lease lease = MeasuredAgent::measured("p");
  lease.environment.emplace_back("GPU_METRICS_CSV", "/elsewhere/m.csv");
  agent.run(lease);
  agent.leave_result("p", "{}");
  agent.exit("p");
  agent.pass(Millis(500));
  agent.sample(100);
  EXPECT_THAT(agent.left_metrics, ElementsAre("/elsewhere/m.csv"));
}

/// Its files are collected, and it has a folder of its own.
class CollectedMetrics : public MeasuredAgent {
 public:
  CollectedMetrics() {
    wire::Welcome welcome{"s", false, 10'000, 5'000};
    welcome.artifact_limit = 1'000'000;
    receive(welcome);
    has_own_folder = true;
  }
  void end() {
    leave_result("p", "{}");
    exit("p");
    pass(Millis(500));
    sample(100);
  }
  const std::string own = "/home/u/.slurm-sweep/s.p.1/gpu_metrics.csv";
};

TEST(GpuMetrics, FileIsLeftWhereItIsCollectedBeforeThat) {
  CollectedMetrics agent;
  agent.run();
  EXPECT_EQ(value(agent.spawned[0], "GPU_METRICS_CSV"), agent.own);
  agent.end();
  EXPECT_THAT(agent.left_metrics, ElementsAre(agent.own));
  ASSERT_THAT(agent.collected, SizeIs(1));
  EXPECT_EQ(agent.collected[0].own_folder, ".slurm-sweep/s.p.1");
}

TEST(GpuMetrics, FileOfTheBenchmarkIsFoundWhereverItLeavesIt) {
  for (const bool own : {true, false}) {
    CollectedMetrics agent;
    agent.leave_file(kPath, "old");
    agent.run();
    agent.leave_file(own ? agent.own : kPath, "of the script");
    agent.end();
    EXPECT_THAT(agent.left_metrics, IsEmpty()) << own;
    EXPECT_EQ(agent.outcome().kind, OutcomeKind::Ok);
  }
}

TEST(GpuMetrics, FileOfAnEarlierAttemptIsNotTheBenchmarksIfThereIsAnOwnFolder) {
  CollectedMetrics agent;
  agent.leave_file(kPath, "old");
  agent.run();
  agent.end();
  EXPECT_THAT(agent.left_metrics, ElementsAre(agent.own));
  EXPECT_EQ(agent.files[kPath].bytes, "old");
}

TEST(GpuMetrics, SignalDuringTheWaitKeepsTheResultWithoutFiles) {
  CollectedMetrics agent;
  agent.run();
  agent.leave_result("p", "{}");
  agent.exit("p");
  agent.feed(Signalled{15});
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::Ok);
  EXPECT_THAT(agent.collected, IsEmpty());
  const Account account = agent.messages<wire::Finished>()[0].account;
  ASSERT_TRUE(account.collected);
  EXPECT_THAT(account.collected->left_out, ElementsAre(StartsWith("not collected: ")));
}

TEST(GpuMetrics, LastSamplesAreAwaitedForThreeSecondsAtMost) {
  MeasuredAgent agent;
  agent.run();
  agent.leave_result("p", "{}");
  agent.exit("p");
  agent.pass(Millis(2'999));
  EXPECT_THAT(agent.left_metrics, IsEmpty());
  agent.pass(Millis(1));
  EXPECT_THAT(agent.left_metrics, ElementsAre(kPath));
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::Ok);
}

TEST(GpuMetrics, SamplesThatStoppedLongAgoAreNotAwaited) {
  MeasuredAgent agent;
  agent.run();
  agent.pass(Millis(10'000));
  agent.leave_result("p", "{}");
  agent.exit("p");
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::Ok);
}

TEST(GpuMetrics, SignalToTheAgentEndsTheWait) {
  MeasuredAgent agent;
  agent.run();
  agent.leave_result("p", "{}");
  agent.exit("p");
  agent.feed(Signalled{15});
  EXPECT_THAT(agent.left_metrics, ElementsAre(kPath));
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::Ok) << "the benchmark had ended before";
}

TEST(GpuMetrics, FailedAttemptAndOtherLeasesLeaveNone) {
  MeasuredAgent agent;
  agent.run();
  agent.sample(100);
  agent.exit("p", {1, {}});
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::BenchmarkFailed);
  EXPECT_THAT(agent.left_metrics, IsEmpty());
  EXPECT_THAT(agent.gpu_samples, IsEmpty());

  MeasuredAgent other;
  other.run(ScriptedAgent::lease("p", 2));
  other.sample(100);
  EXPECT_THAT(other.gpu_samples, IsEmpty());
  other.leave_result("p", "{}");
  other.exit("p");
  EXPECT_EQ(other.outcome().kind, OutcomeKind::Ok);
}

TEST(GpuMetrics, DiskThatHangsCostsTheFileNotTheResult) {
  MeasuredAgent agent;
  agent.leaves_metrics = false;
  agent.run();
  agent.leave_result("p", "{}");
  agent.exit("p");
  agent.pass(Millis(500));
  agent.sample(100);
  EXPECT_THAT(agent.messages<wire::Finished>(), IsEmpty());
  agent.pass(Limits().metrics);
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::Ok);
  EXPECT_THAT(agent.warned, ElementsAre("cannot write '/home/u/gpu_metrics.csv': it was not written in time; "
                                        "this point has no gpu_metrics.csv"));
}

TEST(GpuMetrics, MissingTelemetryIsToldOnceToThoseWhoNeedIt) {
  MeasuredAgent agent;
  agent.feed(GpuReported{TelemetryOff{"no NVML: not found", true}});
  agent.receive(ScriptedAgent::lease("a", 2));
  EXPECT_THAT(agent.warned, IsEmpty()) << "this point needs no samples";
  agent.start("a");
  agent.leave_result("a", "{}");
  agent.exit("a");
  agent.receive(wire::Settled{{"a", 1}, true});
  for (const char* point : {"b", "c"}) {
    agent.receive(MeasuredAgent::measured(point));
    agent.start(point);
    agent.leave_result(point, "{}");
    agent.exit(point);
    agent.receive(wire::Settled{{point, 1}, true});
  }
  EXPECT_THAT(agent.warned, ElementsAre("no GPU telemetry: no NVML: not found; points have a gpu_metrics.csv "
                                        "only if their script writes it"));
  EXPECT_THAT(agent.left_metrics, IsEmpty());
}

}  // namespace
}  // namespace sweep::agent
