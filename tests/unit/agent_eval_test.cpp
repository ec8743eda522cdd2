// agent/core: attempts that are evaluated. What a script has to leave, and the evaluation of a recipe.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/core/eval_check.hpp"
#include "tests/unit/agent_serving_fixture.hpp"

namespace sweep::agent {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

FoundFile file(const std::string& name, std::uint64_t inode) {
  return {name, FileStamp{1, inode, 10, 5}};
}

TEST(EvalCheck, OnlyResultsAndMetaEnvAreFilesOfAnEvaluation) {
  for (const char* name :
       {"results.json", "results_2026-08-01T00-00-00.json", "results_x_conc16.json", "meta_env.json"})
    EXPECT_TRUE(is_eval_file(name)) << name;
  for (const char* name :
       {"samples_gsm8k.jsonl", "my_results.json", "results.jsonl", "results", "meta_env.json.bak"})
    EXPECT_FALSE(is_eval_file(name)) << name;
}

TEST(EvalCheck, MissingFilesAreNamed) {
  EXPECT_EQ(missing_eval_files({}, {file("results_1.json", 1), file("meta_env.json", 2)}, "/w"), "");
  EXPECT_EQ(missing_eval_files({}, {}, "/w"), "the eval left no results*.json and no meta_env.json in '/w'");
  EXPECT_EQ(missing_eval_files({}, {file("meta_env.json", 2)}, "/w"),
            "the eval left no results*.json in '/w'");
  EXPECT_EQ(missing_eval_files({}, {file("results.json", 2)}, "/w"),
            "the eval left no meta_env.json in '/w'");
}

TEST(EvalCheck, FilesInFoldersAndLinksDoNotCount) {
  FoundFile link = file("results_1.json", 3), deeper = file("results/results_1.json", 4);
  link.regular = false;
  deeper.own = true;
  EXPECT_EQ(missing_eval_files(
                {}, {file("meta_env.json", 2), file("results/m/results_1.json", 1), link, deeper}, "/w"),
            "the eval left no results*.json in '/w'");
}

TEST(EvalCheck, FilesInTheOwnFolderAreOfThisAttempt) {
  FoundFile meta = file("meta_env.json", 2), results = file("results_1.json", 1);
  meta.own = results.own = true;
  EXPECT_EQ(missing_eval_files({file("meta_env.json", 2), file("results_1.json", 1)}, {meta, results}, "/w"),
            "");
}

TEST(EvalCheck, FilesOfAnEarlierAttemptDoNotCount) {
  const std::vector<FoundFile> old = {file("meta_env.json", 2), file("results_1.json", 1)};
  EXPECT_EQ(
      missing_eval_files(old, old, "/w"),
      "the eval left no results*.json and no meta_env.json in '/w', only files that existed before it started");
  EXPECT_EQ(missing_eval_files(old, {file("meta_env.json", 3), old[1], file("results_2.json", 4)}, "/w"), "");
}

// ---- scripts

class EvaluatedScript : public ScriptedAgent {
 public:
  explicit EvaluatedScript(wire::EvalWhen when) {
    join();
    wire::Lease out = lease("p");
    out.eval = when;
    if (when == wire::EvalWhen::Only) only_evaluated.insert("p");
    lease_ = out;
  }
  void run() {
    receive(lease_);
    start("p");
  }
  void leave_eval() {
    leave_file("/home/u/results_1.json", "{}");
    leave_file("/home/u/meta_env.json", "{}");
  }
  std::vector<std::string> flaws() const { return messages<wire::Finished>().at(0).account.flaws; }

 private:
  wire::Lease lease_;
};

TEST(AgentEval, OnlyEvaluatedPointNeedsNoResultFile) {
  EvaluatedScript agent(wire::EvalWhen::Only);
  agent.run();
  agent.leave_eval();
  agent.exit("p");
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::Ok);
  EXPECT_THAT(agent.flaws(), IsEmpty());
  EXPECT_EQ(agent.sent.back().bulk, "");
}

TEST(AgentEval, OnlyEvaluatedPointWithoutScoresFails) {
  EvaluatedScript agent(wire::EvalWhen::Only);
  agent.leave_eval();  // of an earlier attempt
  agent.run();
  agent.leave_result("p", "{}");
  agent.leave_file("/home/u/meta_env.json", "{}");
  agent.exit("p");
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::NoResult);
  EXPECT_EQ(
      agent.outcome().reason,
      "the eval left no results*.json in '/home/u', only files that existed before it started; a script that "
      "evaluates calls run_eval and append_lm_eval_summary");
}

TEST(AgentEval, ResultIsKeptIfTheEvaluationAfterItLeavesNothing) {
  EvaluatedScript agent(wire::EvalWhen::After);
  agent.run();
  agent.leave_result("p", "{}");
  agent.exit("p");
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::Ok);
  EXPECT_EQ(agent.sent.back().bulk, "{}");
  EXPECT_THAT(agent.flaws(),
              ElementsAre("no-score: the eval left no results*.json and no meta_env.json in '/home/u'"));
}

TEST(AgentEval, ResultWithScoresHasNoFlaw) {
  EvaluatedScript agent(wire::EvalWhen::After);
  agent.run();
  agent.leave_result("p", "{}");
  agent.leave_eval();
  agent.exit("p");
  EXPECT_THAT(agent.flaws(), IsEmpty());
}

TEST(AgentEval, MissingResultFailsWhateverTheEvaluationLeft) {
  EvaluatedScript agent(wire::EvalWhen::After);
  agent.run();
  agent.leave_eval();
  agent.exit("p");
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::NoResult);
  EXPECT_THAT(agent.outcome().reason, HasSubstr("result_p.json"));
}

// ---- recipes

class EvaluatedRecipe : public ServingAgent {
 public:
  static wire::Lease evaluated(wire::EvalWhen when, wire::Timeouts timeouts = {}) {
    wire::Lease out = recipe("p");
    out.eval = when;
    out.eval_command = {"bash", "-c", "lm_eval"};
    out.timeouts = timeouts;
    return out;
  }
  /// Brings the lease's first process to where it runs.
  void run(const wire::Lease& lease) {
    if (lease.eval == wire::EvalWhen::Only) only_evaluated.insert("p");
    receive(lease);
    server_starts(1);
    answer(200);
    start("p");
  }
  /// The client exits and leaves its result; the evaluation runs then.
  void run_to_eval(wire::Timeouts timeouts = {}) {
    run(evaluated(wire::EvalWhen::After, timeouts));
    pass(Millis(1'000));
    leave_result("p", "{}");
    exit("p");
    start("p", 200);
  }
  void leave_eval() {
    leave_file("/home/u/results_1.json", "{}");
    leave_file("/home/u/meta_env.json", "{}");
  }
};

TEST(AgentEval, EvaluationOfARecipeRunsAfterItsClientOnTheSameServer) {
  EvaluatedRecipe agent;
  agent.run_to_eval();
  EXPECT_THAT(agent.started(), ElementsAre("serve k1", "client", "lm_eval"));
  EXPECT_EQ(value(agent.spawned[2], "PORT"), value(agent.spawned[1], "PORT"));
  EXPECT_THAT(agent.messages<wire::Finished>(), IsEmpty());
  agent.pass(Millis(2'000));
  agent.leave_eval();
  agent.exit("p");
  const wire::Finished finished = agent.finished("p");
  EXPECT_EQ(finished.outcome.kind, OutcomeKind::Ok);
  EXPECT_THAT(finished.account.flaws, IsEmpty());
  EXPECT_EQ(agent.sent.back().bulk, "{}");
  EXPECT_THAT(agent.phases_of("p"), ElementsAre("server-start", "benchmark", "eval"));
  EXPECT_EQ(finished.account.phases[1].time, Millis(1'000));
  EXPECT_EQ(finished.account.phases[2].time, Millis(2'000));
}

TEST(AgentEval, EvaluationOfARecipeCanLeaveItsFilesInAFolderOfItsOwn) {
  EvaluatedRecipe agent;
  wire::Welcome welcome{"s", false, 10'000, 5'000};
  welcome.artifact_limit = 1'000'000;
  agent.receive(welcome);
  agent.has_own_folder = true;
  agent.run_to_eval();
  const std::string folder = value(agent.spawned[2], "EVAL_OUTPUT_DIR");
  EXPECT_EQ(folder, "/home/u/.slurm-sweep/s.p.1");
  agent.leave_file(folder + "/results_1.json", "{}");
  agent.leave_file(folder + "/meta_env.json", "{}");
  agent.exit("p");
  EXPECT_THAT(agent.finished("p").account.flaws, IsEmpty());
}

TEST(AgentEval, FailedEvaluationOfARecipeKeepsTheResult) {
  EvaluatedRecipe agent;
  agent.run_to_eval();
  agent.print("p", "no such task\n", true);
  agent.exit("p", {3, {}});
  agent.pass(Limits().cause_lag);
  EXPECT_EQ(agent.finished("p").outcome.kind, OutcomeKind::Ok);
  EXPECT_EQ(agent.sent.back().bulk, "{}");
  EXPECT_THAT(agent.finished("p").account.flaws,
              ElementsAre("no-score: the eval failed: exit status 3, no such task"));
}

TEST(AgentEval, OnlyTheLimitOfThePointStopsAnEvaluation) {
  EvaluatedRecipe agent;
  agent.run_to_eval({60'000, 5'000, 20'000});
  agent.pass(Millis(10'000));
  EXPECT_THAT(agent.signals, SizeIs(1)) << "only that at the end of the client";
  agent.pass(Millis(9'000));
  EXPECT_THAT(agent.signals, SizeIs(2));
  agent.exit("p", {{}, 15});
  EXPECT_EQ(agent.finished("p").outcome.kind, OutcomeKind::Ok);
  EXPECT_THAT(agent.finished("p").account.flaws,
              ElementsAre(StartsWith("no-score: the eval failed: the point did not end within 20 s")));
}

TEST(AgentEval, CancelledEvaluationIsACancelledAttempt) {
  EvaluatedRecipe agent;
  agent.run_to_eval();
  agent.receive(wire::Cancel{{"p", 1}, "enough"});
  agent.exit("p", {{}, 15});
  EXPECT_EQ(agent.finished("p").outcome.kind, OutcomeKind::Cancelled);
  EXPECT_EQ(agent.sent.back().bulk, "");
}

TEST(AgentEval, EvaluationThatCannotStartKeepsTheResult) {
  EvaluatedRecipe agent;
  agent.run(EvaluatedRecipe::evaluated(wire::EvalWhen::After));
  agent.leave_result("p", "{}");
  agent.exit("p");
  agent.feed(StartFailed{{"p", 1}, "no such program"});
  EXPECT_EQ(agent.finished("p").outcome.kind, OutcomeKind::Ok);
  EXPECT_THAT(agent.finished("p").account.flaws, ElementsAre("no-score: the eval failed: no such program"));
}

TEST(AgentEval, ServerThatDiesDuringTheEvaluationKeepsTheResult) {
  for (const bool started : {true, false}) {
    EvaluatedRecipe agent;
    agent.run(EvaluatedRecipe::evaluated(wire::EvalWhen::After));
    agent.leave_result("p", "{}");
    agent.exit("p");
    if (started) agent.start("p", 200);
    agent.server_ends(1, {139, {}});
    if (started) {
      agent.exit("p", {{}, 15});
    } else {
      agent.feed(StartFailed{{"p", 1}, "no such program"});
    }
    EXPECT_EQ(agent.finished("p").outcome.kind, OutcomeKind::Ok) << started;
    EXPECT_EQ(agent.sent.back().bulk, "{}");
    ASSERT_THAT(agent.finished("p").account.flaws, SizeIs(1)) << started;
    EXPECT_THAT(agent.finished("p").account.flaws[0], StartsWith("no-score: the eval failed: "));
  }
}

TEST(AgentEval, EvaluationDoesNotStartIfTheAgentIsToEnd) {
  EvaluatedRecipe agent;
  agent.run(EvaluatedRecipe::evaluated(wire::EvalWhen::After));
  agent.leave_result("p", "{}");
  agent.driver_is_slow = true;
  agent.exit("p");
  agent.feed(Signalled{15});
  agent.driver_is_slow = false;
  agent.feed(Tick{});
  EXPECT_THAT(agent.started(), ElementsAre("serve k1", "client"));
  EXPECT_EQ(agent.finished("p").outcome.kind, OutcomeKind::Preempted);
}

TEST(AgentEval, ClientThatFailsIsNotEvaluated) {
  EvaluatedRecipe agent;
  agent.run(EvaluatedRecipe::evaluated(wire::EvalWhen::After));
  agent.exit("p", {1, {}});
  agent.pass(Limits().cause_lag);
  EXPECT_EQ(agent.finished("p").outcome.kind, OutcomeKind::BenchmarkFailed);
  EXPECT_THAT(agent.started(), ElementsAre("serve k1", "client"));
}

TEST(AgentEval, ClientThatCannotBeKilledIsNotEvaluated) {
  EvaluatedRecipe agent;
  agent.run(EvaluatedRecipe::evaluated(wire::EvalWhen::After));
  agent.leave_result("p", "{}");
  agent.feed(LeaderExited{{"p", 1}, {0, {}}});
  agent.pass(Millis(60'000));
  EXPECT_THAT(agent.started(), ElementsAre("serve k1", "client"));
  EXPECT_EQ(agent.finished("p").outcome.kind, OutcomeKind::Ok);
  EXPECT_THAT(
      agent.finished("p").account.flaws,
      ElementsAre("no-score: the eval was not started, because processes of the client survived SIGKILL"));
}

TEST(AgentEval, RecipeThatIsOnlyEvaluatedRunsNoClient) {
  EvaluatedRecipe agent;
  agent.run(EvaluatedRecipe::evaluated(wire::EvalWhen::Only));
  EXPECT_THAT(agent.started(), ElementsAre("serve k1", "lm_eval"));
  agent.pass(Millis(1'000));
  agent.leave_eval();
  agent.exit("p");
  EXPECT_EQ(agent.finished("p").outcome.kind, OutcomeKind::Ok);
  EXPECT_THAT(agent.phases_of("p"), ElementsAre("server-start", "eval"));
}

}  // namespace
}  // namespace sweep::agent
