// Which files an attempt left (agent/core/artifacts), and how an attempt keeps and sends them.
#include <gmock/gmock.h>

#include "agent/core/artifacts.hpp"
#include "tests/unit/agent_fixture.hpp"

namespace sweep::agent {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::int64_t kLimit = 1'000'000;

FoundFile found(const std::string& name, std::int64_t changed = 1, std::uint64_t bytes = 10) {
  return {name, FileStamp{1, 2, bytes, changed}};
}
FoundFile own(const std::string& name) {
  FoundFile file = found(name);
  file.own = true;
  return file;
}

std::vector<std::string> names(const Choice& choice) {
  std::vector<std::string> out;
  for (const Choice::Item& item : choice.items)
    out.push_back(item.file.name);
  return out;
}

// ---- choice

TEST(ArtifactChoice, KnowsTheFilesThatScriptsLeave) {
  for (const char* name :
       {"server.log", "prefill_server_0.log", "router.log", "benchmark.log", "gpu_metrics.csv",
        "gpu_metrics_energy_start.csv", "gpu_metrics_energy_end.csv", "gpu_metrics_identity.json",
        "results_2026.json", "samples_gsm8k.jsonl", "meta_env.json", "eval_out/m/results_1.json",
        "results/aiperf_artifacts/profile_export.jsonl", "results/server.log", "eval/meta_env.json"})
    EXPECT_TRUE(is_artifact(name)) << name;
  for (const char* name : {"sweep.log", "README.md", "utils/evals/results.json", "perf-changelog.yaml",
                           "gpu_metrics.csv.repair.12", "eval_out/notes.txt", "myresults.json"})
    EXPECT_FALSE(is_artifact(name)) << name;
}

TEST(ArtifactChoice, FilesOfAnEarlierAttemptAreNotTaken) {
  const auto choice =
      choose_artifacts({found("server.log", 1), found("gpu_metrics.csv", 7), found("meta_env.json")},
                       {found("server.log", 1), found("gpu_metrics.csv", 6)}, "r.json", kLimit);
  EXPECT_THAT(names(choice), ElementsAre("gpu_metrics.csv", "meta_env.json"));
  EXPECT_THAT(choice.left_out, IsEmpty());
}

TEST(ArtifactChoice, TheResultItselfIsNotAnArtifact) {
  EXPECT_THAT(names(choose_artifacts({found("results_x.json")}, {}, "results_x.json", kLimit)), IsEmpty());
}

TEST(ArtifactChoice, AFileInTheOwnFolderPrecedesOneOfTheSameName) {
  const auto choice = choose_artifacts({found("gpu_metrics.csv"), own("gpu_metrics.csv"), own("results/x")},
                                       {}, "r.json", kLimit);
  EXPECT_THAT(names(choice), ElementsAre("gpu_metrics.csv", "results/x"));
  EXPECT_TRUE(choice.items[0].file.own);
}

TEST(ArtifactChoice, LinksAreLeftOutWithAReason) {
  FoundFile link = found("server.log");
  link.regular = false;
  const auto choice = choose_artifacts({link, found("meta_env.json")}, {}, "r.json", kLimit);
  EXPECT_THAT(names(choice), ElementsAre("meta_env.json"));
  EXPECT_THAT(choice.left_out, ElementsAre("server.log: not a regular file"));
}

TEST(ArtifactChoice, TooMuchIsNothing) {
  const auto big =
      choose_artifacts({found("server.log", 1, kLimit), found("meta_env.json")}, {}, "r", kLimit);
  EXPECT_THAT(big.items, IsEmpty());
  EXPECT_THAT(big.left_out,
              ElementsAre(HasSubstr("not collected: the files of the attempt have 1000010 bytes")));
  std::vector<FoundFile> many;
  for (int i = 0; i < 1001; ++i)
    many.push_back(own("results/" + std::to_string(i)));
  EXPECT_THAT(choose_artifacts(many, {}, "r", kLimit).left_out, ElementsAre(HasSubstr("1001 files")));
}

// ---- the attempt

class CollectingAgent : public ScriptedAgent {
 public:
  CollectingAgent() {
    artifacts = {{"results/a", 5, true}, {"server.log", 7}};
    connect();
    wire::Welcome welcome{"s", true, 10'000, 5'000};
    welcome.artifact_limit = kLimit;
    receive(welcome);
  }
  void finish(const std::string& point) {
    lease_and_start(point);
    leave_result(point, "{}");
    exit(point);
  }
};

TEST(AgentArtifacts, FinishedListsWhatIsKept) {
  CollectingAgent agent;
  agent.finish("p");
  const auto finished = agent.messages<wire::Finished>();
  ASSERT_THAT(finished, SizeIs(1));
  EXPECT_EQ(finished[0].files, agent.artifacts);
  EXPECT_EQ(agent.messages<wire::Started>()[0].directory, "dir");
  // The result was safe before copying began.
  ASSERT_THAT(agent.kept, SizeIs(2));
  EXPECT_EQ(agent.kept[0].bytes, "{}");
  EXPECT_THAT(agent.kept[0].finished.files, IsEmpty());
  ASSERT_TRUE(agent.kept[0].finished.account.collected);
  EXPECT_EQ(agent.kept[1].finished.files, agent.artifacts);
  EXPECT_EQ(agent.collected[0].result_name, "result_p.json");
  EXPECT_EQ(agent.collected[0].most_bytes, kLimit);
}

TEST(AgentArtifacts, NothingIsCollectedOfAFailureOrWithoutALimit) {
  CollectingAgent agent;
  agent.lease_and_start("p");
  agent.exit("p", {1, {}});
  EXPECT_THAT(agent.collected, IsEmpty());
  ScriptedAgent other;
  other.join();
  other.lease_and_start("p");
  other.leave_result("p", "{}");
  other.exit("p");
  EXPECT_THAT(other.collected, IsEmpty());
  EXPECT_FALSE(other.prepared[0].finds_files);
}

TEST(AgentArtifacts, PiecesAreSentOnDemandAndFinishedAfterTheLast) {
  CollectingAgent agent;
  agent.finish("p");
  agent.receive(wire::Fetch{{"p", 1}, 1, 3});
  ASSERT_THAT(agent.pieces_read, SizeIs(1));
  EXPECT_EQ(agent.pieces_read[0].file, 1);
  const auto pieces = agent.messages<wire::Piece>();
  ASSERT_THAT(pieces, SizeIs(1));
  EXPECT_EQ(pieces[0].offset, 3);
  EXPECT_EQ(agent.sent.back().bulk, "bytes");
  agent.receive(wire::Fetch{{"p", 1}, 2, 0});
  EXPECT_THAT(agent.messages<wire::Finished>(), SizeIs(2));
  agent.receive(wire::Fetch{{"q", 1}, 0, 0});
  EXPECT_THAT(agent.pieces_read, SizeIs(1));
}

TEST(AgentArtifacts, TheNextAttemptStartsWhileFilesAreSent) {
  CollectingAgent agent;
  agent.finish("p");
  agent.lease_and_start("q");
  EXPECT_THAT(agent.spawned, SizeIs(2));
}

TEST(AgentArtifacts, GpusAreNotFreeWhileFilesAreCopied) {
  CollectingAgent agent;
  agent.collecting_is_slow = true;
  agent.finish("p");
  EXPECT_THAT(agent.messages<wire::Finished>(), IsEmpty());
  agent.receive(ScriptedAgent::lease("q"));
  EXPECT_THAT(agent.spawned, SizeIs(1));
  ASSERT_THAT(agent.messages<wire::Finished>(), SizeIs(1));
  EXPECT_THAT(agent.outcome().reason, HasSubstr("only 0 of the agent's 4 are free"));
}

TEST(AgentArtifacts, AnAgentThatEndsStopsCopyingAndKeepsTheResult) {
  CollectingAgent agent;
  agent.collecting_is_slow = true;
  agent.finish("p");
  agent.feed(Signalled{15});
  EXPECT_EQ(agent.stopped_collecting, 1);
  ASSERT_THAT(agent.messages<wire::Finished>(), SizeIs(1));
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::Ok);
}

TEST(AgentArtifacts, AnAgentThatEndsOffersItsResultWithoutFilesInTheEnd) {
  CollectingAgent agent;
  agent.finish("p");
  agent.feed(Signalled{15});
  agent.pass(Millis(3'500));
  const auto finished = agent.messages<wire::Finished>();
  ASSERT_THAT(finished, SizeIs(2));
  EXPECT_THAT(finished[1].files, IsEmpty());
  EXPECT_THAT(finished[1].account.collected->left_out, ElementsAre(HasSubstr("not collected: ")));
  EXPECT_FALSE(agent.exited);
  agent.pass(Millis(3'000));
  EXPECT_TRUE(agent.exited);
}

TEST(AgentArtifacts, AnAdoptedResultHasItsFiles) {
  ScriptedAgent agent;
  wire::Finished left{{"p", 1}, Outcome{}, 5, "11.0.0"};
  left.files = {{"server.log", 3}};
  agent.left_results = {{left, "{}"}};
  agent.join();
  agent.receive(wire::Fetch{{"p", 1}, 0, 2});
  ASSERT_THAT(agent.pieces_read, SizeIs(1));
  EXPECT_EQ(agent.pieces_read[0].of, "11.0.0");
  agent.receive(wire::Fetch{{"p", 1}, 1, 0});
  EXPECT_THAT(agent.messages<wire::Finished>(), SizeIs(2));
}

TEST(AgentArtifacts, TheOwnFolderIsNamedByVariablesAndRemovedAfterSuccess) {
  CollectingAgent agent;
  agent.has_own_folder = true;
  agent.finish("p");
  const std::string folder = "/home/u/" + agent.prepared[0].own_folder;
  EXPECT_EQ(folder, "/home/u/.slurm-sweep/s.p.1");
  EXPECT_EQ(value(agent.spawned[0], "GPU_METRICS_CSV"), folder + "/gpu_metrics.csv");
  EXPECT_EQ(value(agent.spawned[0], "RESULT_DIR"), folder + "/results");
  EXPECT_EQ(value(agent.spawned[0], "EVAL_OUTPUT_DIR"), "(unset)") << "it is not evaluated";
  agent.receive(wire::Settled{{"p", 1}, true});
  EXPECT_THAT(agent.removed, testing::Contains(folder));
}

TEST(AgentArtifacts, AnAgenticScriptHasResultDirWithoutAnOwnFolder) {
  CollectingAgent agent;
  wire::Lease lease = ScriptedAgent::lease("p");
  lease.environment.emplace_back("IS_AGENTIC", "1");
  agent.receive(lease);
  EXPECT_EQ(value(agent.spawned[0], "RESULT_DIR"), "/home/u/results");
  EXPECT_EQ(value(agent.spawned[0], "GPU_METRICS_CSV"), "(unset)");
}

TEST(AgentArtifacts, VariablesThatTheUserHasSetStay) {
  CollectingAgent agent;
  agent.has_own_folder = true;
  wire::Lease lease = ScriptedAgent::lease("p");
  lease.environment.emplace_back("RESULT_DIR", "/data/r");
  agent.receive(lease);
  EXPECT_EQ(value(agent.spawned[0], "RESULT_DIR"), "/data/r");
}

}  // namespace
}  // namespace sweep::agent
