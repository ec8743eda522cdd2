// The status of a sweep as JSON and as text, and the records written at its end.
#include "tests/unit/view_sample.hpp"
#include "util/json.hpp"

namespace sweep::view {
namespace {

class ViewStatus : public ViewTest {};

ordered_json manifest_of(const Plan& plan, const core::State& state, const Facts& facts) {
  std::string text;
  write_manifest(plan, state, facts, [&](std::string_view piece) { text += piece; });
  const ordered_json out = ordered_json::parse(text);
  EXPECT_EQ(out.dump(2) + "\n", text) << "as if it were written in one piece";
  return out;
}

TEST_F(ViewStatus, DocumentBeforeTheFirstEvent) {
  const ordered_json document = status();
  EXPECT_EQ(document["state"], "running");
  EXPECT_EQ(document["sweep"], "s1");
  EXPECT_EQ(document["job"], "12.0");
  EXPECT_EQ(document["directory"], "results_x");
  EXPECT_EQ(document["controller"], "login1, pid 77");
  EXPECT_EQ(
      document["points"].dump(),
      R"({"total":4,"pending":4,"leased":0,"running":0,"done":0,"failed":0,"cancelled":0,"withdrawn":0,"valid":0})");
  EXPECT_TRUE(document["eta_s"].is_null());
  EXPECT_EQ(document["rate_per_minute"], 0.0);
  EXPECT_TRUE(document["agents"].empty());
  EXPECT_EQ(status_text(document),
            "sweep s1: running, job 12.0, controller on login1, pid 77\n"
            "  0 of 4 done, 0 running, 0 failed, 4 pending\n");
}

TEST_F(ViewStatus, DocumentOfARunningSweep) {
  arrive("a", "n1", 8, 3);
  arrive("b", "n2", 4, 3);
  arrive("c", "n2", 4, 3);
  finish("a", 0, outcome(OutcomeKind::Ok), 1, Millis(60'000));
  start("b", 1);
  facts.progress[{id(1), 1}] = {"benchmark", 45, 100};
  now += Millis(1'500);
  const ordered_json document = status();
  ASSERT_EQ(document["running"].size(), 2u);
  const ordered_json& first = document["running"][0];
  EXPECT_EQ(first["point"], id(1));
  EXPECT_EQ(first["node"], "n2");
  EXPECT_EQ(first["attempt"], 1);
  EXPECT_EQ(first["seconds"], 61.5);
  EXPECT_EQ(first["phase"], "benchmark");
  EXPECT_EQ(first["progress"], 45);
  EXPECT_EQ(first["progress_total"], 100);
  EXPECT_EQ(document["running"][1]["phase"], "");
  ASSERT_EQ(document["ended"].size(), 1u);
  EXPECT_EQ(document["ended"][0]["state"], "done");
  EXPECT_EQ(document["elapsed_s"], 61.5);
  EXPECT_THAT(status_text(document),
              AllOf(HasSubstr("  1 of 4 done, 2 running, 0 failed, 1 pending, ETA 3 min 04 s\n"),
                    HasSubstr("  running  dsr1_1k8k fp4 sglang b200 tp4 conc8 on n2, 45/100, 62 s\n"),
                    HasSubstr("  running  dsr1_1k8k fp4 sglang b200 tp4 conc16 on n1, 1.5 s\n")));
  facts.progress[{id(1), 1}] = {"image", 3'200'000'000, 0};
  EXPECT_THAT(status_text(status()), HasSubstr(" conc8 on n2, image 3.2 GB, 62 s\n"));
  const ordered_json& agents = document["agents"];
  ASSERT_EQ(agents.size(), 3u);
  EXPECT_EQ(agents[0].dump(),
            R"({"agent":"a","node":"n1","gpus":8,"gpus_in_use":4,"state":"busy","reason":""})");
  EXPECT_EQ(agents[2]["state"], "spare");
}

TEST_F(ViewStatus, StatesOfTheSweepAndItsAgents) {
  arrive("a", "n1", 8, 2);
  arrive("b", "n2", 2, 2);
  EXPECT_EQ(status()["agents"][1]["state"], "idle");
  handle(core::Goodbye{"b", "time limit"});
  EXPECT_EQ(status()["agents"][1]["state"], "gone");
  EXPECT_EQ(status()["agents"][1]["reason"], "time limit");
  EXPECT_EQ(status()["state"], "running");
  facts.resume = "srun --sweep-resume";
  EXPECT_TRUE(status()["resume"].is_null());
  facts.owner.clear();
  EXPECT_EQ(status()["state"], "interrupted");
  EXPECT_EQ(status()["resume"]["command"], "srun --sweep-resume");
  EXPECT_THAT(status_text(status()), HasSubstr("\n  4 points left; to resume: srun --sweep-resume\n"));
  facts.owner = "login1, pid 77";
  handle(core::Stop{"ctrl-c", Millis(1'000)});
  EXPECT_EQ(status()["state"], "stopping");
  EXPECT_TRUE(status()["eta_s"].is_null());
  finish("a", 0, outcome(OutcomeKind::Cancelled, "ctrl-c"));
  EXPECT_EQ(status()["state"], "incomplete");
  EXPECT_EQ(status()["reason"], "ctrl-c");
  EXPECT_THAT(
      status_text(status()),
      AllOf(HasSubstr("sweep s1: incomplete (ctrl-c), job 12.0"), HasSubstr("3 pending, 1 cancelled\n"),
            HasSubstr("  cancelled  dsr1_1k8k fp4 sglang b200 tp8 conc4: cancelled")));
}

TEST_F(ViewStatus, ElapsedTimeOfAClosedSweepDoesNotGrow) {
  arrive("a", "n1", 8);
  for (int i = 0; i < 4; ++i)
    finish("a", i, outcome(OutcomeKind::Ok), 1, Millis(30'000));
  now += std::chrono::hours(1'000);
  facts.owner.clear();
  const ordered_json document = status();
  EXPECT_EQ(document["state"], "done");
  EXPECT_EQ(document["elapsed_s"], 120.0);
  EXPECT_EQ(document["rate_per_minute"], 2.0);
  EXPECT_TRUE(document["eta_s"].is_null());
}

TEST_F(ViewStatus, TextHasALineWithReasonPerFailedPoint) {
  arrive("a", "n1", 8);
  finish("a", 0, outcome(OutcomeKind::InvalidResult, kControlCharacters));
  const std::string text = status_text(status());
  EXPECT_THAT(text, HasSubstr("  failed  dsr1_1k8k fp4 sglang b200 tp8 conc4: invalid-result: a?[2J"));
  EXPECT_FALSE(has_control_characters(text)) << text;
}

TEST_F(ViewStatus, PointsThatWaitForTheirServerAreShownWithTheReason) {
  give_all_points_one_server();
  arrive("a", "n1", 8, 2);
  arrive("b", "n2", 8, 2);
  EXPECT_EQ(status()["held_back"], ordered_json::array());
  Outcome dies = outcome(OutcomeKind::ServerFailed,
                         "no \x1b"
                         "CUDA");
  dies.phase = "ready";
  finish("a", 0, dies);
  EXPECT_EQ(status()["held_back"],
            (ordered_json::array({{{"points", 2}, {"failed_on", {"n1"}}, {"reason", "no ?CUDA"}}})));
  EXPECT_THAT(
      status_text(status()),
      HasSubstr("  waiting  2 points wait for one further start of a server that failed to start on n1: "
                "no ?CUDA\n"));
  start("b", 1);  // its server is ready
  EXPECT_EQ(status()["held_back"], ordered_json::array());
  EXPECT_THAT(status_text(status()), Not(HasSubstr("waiting")));
}

TEST_F(ViewStatus, TextOfAnIncompleteDocumentIsStillPrinted) {
  EXPECT_EQ(status_text(ordered_json::object()).substr(0, 7), "sweep :");
  EXPECT_FALSE(
      has_control_characters(status_text({{"sweep", kControlCharacters}, {"state", kControlCharacters}})));
}

// ---- pace

TEST_F(ViewStatus, PaceCountsFromTheFirstLease) {
  now += Millis(600'000);  // no agent had joined yet
  EXPECT_EQ(pace(state, now).points_per_minute, 0);
  arrive("a", "n1", 8);
  EXPECT_EQ(pace(state, now).points_per_minute, 0);
  finish("a", 0, outcome(OutcomeKind::Ok), 1, Millis(30'000));
  EXPECT_DOUBLE_EQ(pace(state, now).points_per_minute, 2);
  EXPECT_EQ(pace(state, now).to_go, Millis(90'000));
  finish("a", 1, outcome(OutcomeKind::Infrastructure), 1, Millis(30'000));
  EXPECT_DOUBLE_EQ(pace(state, now).points_per_minute, 1)
      << "an attempt that is retried does not end its point";
}

// ---- records

class ViewRecords : public ViewTest {
 protected:
  void run_sample() {
    arrive("a", "n1", 8);
    start("a", 0, 1, Millis(1'000));
    finish("a", 0, outcome(OutcomeKind::Ok), 1, Millis(60'000), Millis(59'250));
    finish("a", 1, outcome(OutcomeKind::Infrastructure, "bad disk"), 1, Millis(1'000), Millis(0));
    finish("a", 1, outcome(OutcomeKind::NoResult, "nothing"), 2, Millis(1'000), Millis(500));
    handle(core::Stop{"ctrl-c", Millis(1'000)});
    finish("a", 2, outcome(OutcomeKind::Cancelled, "ctrl-c"), 1, Millis(1'000), Millis(700));
  }
};

TEST_F(ViewRecords, JobsHasALinePerAttemptInTheOrderOfLeasing) {
  run_sample();
  EXPECT_EQ(jobs_of(plan, state),
            "# point\tattempt\tjob.step\tnode\tstate\tseconds\tlabel\n" + id(0) +
                "\t1\t12.0\tn1\tok\t59.250\tdsr1_1k8k fp4 sglang b200 tp8 conc4\n" + id(1) +
                "\t1\t12.0\tn1\tinfrastructure\t0.000\tdsr1_1k8k fp4 sglang b200 tp4 conc8\n" + id(1) +
                "\t2\t12.0\tn1\tno-result\t0.500\tdsr1_1k8k fp4 sglang b200 tp4 conc8\n" + id(2) +
                "\t1\t12.0\tn1\tcancelled\t0.700\tdsr1_1k8k fp4 sglang b200 tp4 conc16\n");
}

TEST_F(ViewRecords, JobsOfARunningSweepWithoutSlurm) {
  core::AgentInfo info;
  info.id = "host:1";
  info.node = "host";
  info.gpus = {"0", "1", "2", "3", "4", "5", "6", "7"};
  handle(core::Hello{info});
  handle(core::Ready{"host:1"});
  EXPECT_THAT(jobs_of(plan, state), HasSubstr(id(0) + "\t1\t-\thost\tunfinished\t0.000\t"));
}

TEST_F(ViewRecords, ManifestHasEveryPointWithItsOutcome) {
  run_sample();
  const ordered_json out = manifest_of(plan, state, facts);
  EXPECT_EQ(out["sweep"], "s1");
  EXPECT_EQ(out["slurm_sweep_version"], "0.1.0");
  EXPECT_EQ(out["job"], "12.0");
  EXPECT_EQ(out["configs"].dump(), R"(["a.yaml","b.yaml"])");
  EXPECT_EQ(out["select"], "--seq-lens 1k8k");
  EXPECT_EQ(out["opened_unix"], 1'700'000'000.0);
  EXPECT_EQ(out["last_end_unix"], 1'700'000'064.0);
  EXPECT_EQ(out["complete"], false);
  EXPECT_EQ(out["reason"], "ctrl-c");
  ASSERT_EQ(out["agents"].size(), 1u);
  EXPECT_EQ(out["agents"][0]["node"], "n1");
  EXPECT_EQ(out["agents"][0]["gpus"].size(), 8u);
  ASSERT_EQ(out["points"].size(), 4u) << "all expected points, not only those with results";
  const std::vector<std::string> states = {"done", "failed", "cancelled", "pending"};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(out["points"][i]["point"], id(static_cast<int>(i)));
    EXPECT_EQ(out["points"][i]["state"], states[i]);
    EXPECT_EQ(out["points"][i]["entry"], entry_of(plan.points[i]));
  }
}

TEST_F(ViewRecords, ManifestHasTheTimesAndOutcomeOfEachAttempt) {
  run_sample();
  const ordered_json points = manifest_of(plan, state, facts)["points"];
  const std::string name = result_filename(plan, 0, "n1");
  EXPECT_EQ(points[0]["raw"], "raw/" + name + ".json");
  EXPECT_EQ(points[0]["result"], "agg_" + name + ".json");
  EXPECT_FALSE(points[1].contains("result"));
  EXPECT_EQ(points[1]["reason"], "no-result: nothing");
  ASSERT_EQ(points[1]["attempts"].size(), 2u);
  const ordered_json& first = points[0]["attempts"][0];
  EXPECT_EQ(first["attempt"], 1);
  EXPECT_EQ(first["node"], "n1");
  EXPECT_EQ(first["job"], "12.0");
  EXPECT_EQ(first["leased_unix"], 1'700'000'000.0);
  EXPECT_EQ(first["started_unix"], 1'700'000'001.0);
  EXPECT_EQ(first["ended_unix"], 1'700'000'061.0);
  EXPECT_EQ(first["seconds"], 59.25);
  EXPECT_EQ(first["accepted"], true);
  EXPECT_EQ(first["outcome"]["kind"], "ok");
  EXPECT_EQ(first["log"], log_stem(plan, 0, 1, "n1"));
  const ordered_json& second = points[1]["attempts"][1];
  EXPECT_EQ(second["outcome"]["reason"], "nothing");
  EXPECT_TRUE(second["started_unix"].is_null());
  EXPECT_EQ(second["accepted"], false);
  EXPECT_TRUE(points[3]["attempts"].empty());
}

TEST_F(ViewRecords, ManifestIsValidJsonWithAnyTextFromPeers) {
  arrive("a", "n1", 8);
  finish("a", 0, outcome(OutcomeKind::NoResult, kControlCharacters));
  handle(core::Goodbye{"a", kControlCharacters});
  const ordered_json out = manifest_of(plan, state, facts);
  EXPECT_NO_THROW(static_cast<void>(out["points"][0]["attempts"].dump()));
  EXPECT_NO_THROW(static_cast<void>(out.dump()));
  EXPECT_NO_THROW(static_cast<void>(status().dump()));
}

TEST_F(ViewRecords, LogsAreNamedByPointNodeAndAttempt) {
  EXPECT_EQ(log_stem(plan, 0, 2, "n1"), "logs/dsr1_1k8k_fp4_sglang_tp8_ep1_dpa_false_conc4_n1.attempt2");
}

TEST_F(ViewRecords, TotalsOfARecipeHaveServerStartsAndPhaseTimes) {
  arrive("a", "n1", 8);
  const auto end = [&](int index, OutcomeKind kind, Account account) {
    handle(core::AttemptFinished{
        "a", {id(index), 1}, outcome(kind, "x"), Millis(62'000), "", std::move(account)});
  };
  end(0, OutcomeKind::Ok,
      {{{"server-start", Millis(1'000)}, {"ready", Millis(60'000)}, {"benchmark", Millis(5'000)}},
       1,
       {},
       {}});
  end(1, OutcomeKind::Ok, {{{"reset", Millis(500)}, {"benchmark", Millis(7'000)}}, 0, {}, {}});
  end(2, OutcomeKind::ServerFailed,
      {{{"reset", Millis(500)}, {"reset", Millis(250)}}, 2, {"one", "t\x1bwo"}, {}});
  const std::string text = totals_text(plan, state, facts);
  EXPECT_THAT(text, HasSubstr(", 3 server starts for 2 points done\n"));
  EXPECT_THAT(
      text, HasSubstr("total time by phase: server-start 1.0 s, ready 60 s, benchmark 12 s, reset 1.2 s\n"));
  EXPECT_THAT(text, HasSubstr(": server-failed: x\n                | one\n                | t?wo\n"));
  const ordered_json attempt = manifest_of(plan, state, facts)["points"][2]["attempts"][0];
  EXPECT_EQ(attempt["phases"]["reset"], 0.75);
  EXPECT_EQ(attempt["server_starts"], 2);
  EXPECT_EQ(attempt["server_says"].size(), 2u);
  EXPECT_EQ(totals_json(plan, state, facts)["phases"]["benchmark"], 12.0);
  EXPECT_EQ(totals_json(plan, state, facts)["server_starts"], 3);
}

TEST_F(ViewRecords, OnlyScriptsThatStartAServerCountAsServerStarts) {
  arrive("a", "n1", 8);
  const auto end = [&](int index, const std::string& phase) {
    Account account;
    account.phases = {{phase, Millis(1'000)}, {"benchmark", Millis(5'000)}};
    handle(core::AttemptFinished{"a", {id(index), 1}, {}, Millis(6'000), "", account});
  };
  end(0, "server");
  end(1, "set-up");
  EXPECT_EQ(totals_json(plan, state, facts)["server_starts"], 1);
  EXPECT_THAT(totals_text(plan, state, facts), Not(HasSubstr("server start")));
  EXPECT_EQ(manifest_of(plan, state, facts)["schema_version"], kRecordVersion);
}

TEST_F(ViewRecords, TotalsOfScripts) {
  run_sample();
  const std::string text = totals_text(plan, state, facts);
  EXPECT_THAT(text, HasSubstr("1 of 4 points done, 1 failed, 2 unfinished (ctrl-c)\n"));
  EXPECT_THAT(text, HasSubstr("4 attempts on 1 agent\n"));
  EXPECT_THAT(text, HasSubstr("elapsed 64 s (until the last point finished)\n"));
  const ordered_json json = totals_json(plan, state, facts);
  EXPECT_EQ(json["failed"].size(), 1u);
  EXPECT_EQ(json["failed"][0]["reason"], state.points[1].reason);
  EXPECT_EQ(json["unfinished"].size(), 2u);
  EXPECT_EQ(json["attempts"], 4);
  EXPECT_EQ(json["wall_s"], 64.0);
  EXPECT_THAT(text, Not(HasSubstr("containers")));
}

TEST_F(ViewRecords, SessionThatRanNothingHasNoElapsedTime) {
  run_sample();
  state.resumed = now + Millis(1'000);
  EXPECT_THAT(totals_text(plan, state, facts), Not(HasSubstr("elapsed")));
  EXPECT_TRUE(totals_json(plan, state, facts)["wall_s"].is_null());
}

// With `runtime: auto` this shows which runtime was chosen.
TEST_F(ViewRecords, TotalsCountAttemptsByContainerRuntime) {
  run_sample();
  for (core::PointStatus& point : state.points) {
    for (core::Attempt& attempt : point.attempts)
      attempt.account.origin.runtime = point.attempts.size() == 1 ? "enroot 4.1.2" : "podman version 4.3.1";
  }
  std::size_t single = 0, all = 0;
  for (const core::PointStatus& point : state.points) {
    all += point.attempts.size();
    single += point.attempts.size() == 1 ? 1 : 0;
  }
  ASSERT_LT(single, all);
  ASSERT_GT(single, 1u);
  EXPECT_THAT(totals_text(plan, state, facts),
              HasSubstr("containers: enroot 4.1.2 in " + std::to_string(single) +
                        " attempts, podman version 4.3.1 in " + std::to_string(all - single) + " attempt"));
  EXPECT_EQ(totals_json(plan, state, facts)["containers"]["enroot 4.1.2"], single);
}

TEST_F(ViewStatus, InvalidResultsAreCountedAndListed) {
  arrive("a", "n1", 8);
  for (int i = 0; i < 4; ++i)
    finish_measured("a", i, i != 2 ? "failures: 9 of 10" : "");
  const ordered_json document = status();
  EXPECT_EQ(document["state"], "done");
  EXPECT_EQ(document["points"]["done"], 4);
  EXPECT_EQ(document["points"]["valid"], 1);
  EXPECT_EQ(document["strict"], true);
  EXPECT_EQ(document["ended"][0]["valid"], false);
  EXPECT_EQ(document["ended"][3]["point"], id(2));
  EXPECT_EQ(document["ended"][3]["valid"], true);
  EXPECT_THAT(status_text(document),
              AllOf(HasSubstr("  4 of 4 points ran, 1 valid, 0 running, 0 failed, 0 pending\n"),
                    HasSubstr("  invalid  3 points: failures: 9 of 10\n                dsr1_1k8k fp4 sglang "
                              "b200 tp8 conc4\n"),
                    Not(HasSubstr("conc16"))));
  const ordered_json manifest = manifest_of(plan, state, facts);
  EXPECT_EQ(manifest["complete"], true);
  EXPECT_EQ(manifest["points_total"], 4);
  EXPECT_EQ(manifest["points_done"], 4);
  EXPECT_EQ(manifest["points_valid"], 1);
  EXPECT_THAT(totals_text(plan, state, facts), HasSubstr("4 of 4 points ran, 1 valid\n"));
  EXPECT_EQ(totals_json(plan, state, facts)["valid"], 1);
}

TEST_F(ViewStatus, OmittedEntriesAreCountedAndFailuresComeFirst) {
  arrive("a", "n1", 8);
  finish("a", 0, outcome(OutcomeKind::Ok, ""));
  finish("a", 1, outcome(OutcomeKind::BenchmarkFailed, "broken"));
  const ordered_json all = status();
  EXPECT_FALSE(all.contains("left_out"));
  ASSERT_EQ(all["ended"].size(), 2u);
  EXPECT_EQ(all["ended"][0]["state"], "failed");

  for (const std::size_t room : {0u, 300u, 500u, 800u, 1'200u}) {
    const ordered_json some = status_json(plan, state, facts, now, room);
    std::size_t bytes = 0;
    for (const char* list : {"agents", "running", "ended"}) {
      const std::size_t left_out = some.value("left_out", ordered_json::object()).value(list, std::size_t{0});
      EXPECT_EQ(some[list].size() + left_out, all[list].size()) << list << " with room for " << room;
      for (const ordered_json& entry : some[list])
        bytes += entry.dump().size();
    }
    EXPECT_LE(bytes, room);
    EXPECT_TRUE(some["ended"].empty() || some["ended"][0]["state"] == "failed");
  }
  EXPECT_THAT(status_text(status_json(plan, state, facts, now, 0)),
              HasSubstr("  not listed: 1 more running, 2 more ended\n"));
}

}  // namespace
}  // namespace sweep::view
