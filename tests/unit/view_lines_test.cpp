// The lines printed while a sweep runs and when it has ended.
#include <limits>

#include "tests/unit/view_sample.hpp"
#include "util/json.hpp"

namespace sweep::view {
namespace {

class ViewLines : public ViewTest {};

TEST_F(ViewLines, EachShownEventHasOneLine) {
  EXPECT_THAT(join("a", "n1", 8, 2), ElementsAre("[0:00] n1 joined with 8 GPUs (1 of 2)"));
  EXPECT_THAT(handle(core::Ready{"a"}), ElementsAre());  // a lease has no line, the start has one
  EXPECT_THAT(start("a", 0, 1, Millis(65'000)),
              ElementsAre("[1:05] 0/4 started dsr1_1k8k fp4 sglang b200 tp8 conc4 on n1"));
  EXPECT_THAT(finish("a", 0, outcome(OutcomeKind::Ok), 1, Millis(3'600'000)),
              ElementsAre("[1:01:05] 1/4 done    dsr1_1k8k fp4 sglang b200 tp8 conc4 on n1, 62 s"));
  EXPECT_THAT(
      finish("a", 1, outcome(OutcomeKind::NoResult, "x.json is not there")),
      ElementsAre("[1:01:05] 2/4 failed  dsr1_1k8k fp4 sglang b200 tp4 conc8 on n1: no-result: x.json is not "
                  "there"));
  EXPECT_THAT(
      finish("a", 2, outcome(OutcomeKind::Infrastructure, "the disk is full")),
      ElementsAre(
          "[1:01:05] 2/4 retry   dsr1_1k8k fp4 sglang b200 tp4 conc16 on n1: infrastructure: the disk "
          "is full"));
  EXPECT_THAT(start("a", 2, 2), ElementsAre(HasSubstr("conc16 on n1, attempt 2")));
  EXPECT_THAT(handle(core::Stop{"ctrl-c", Millis(1'000)}), ElementsAre("[1:01:05] stopping: ctrl-c"));
  EXPECT_THAT(finish("a", 2, outcome(OutcomeKind::Cancelled, "ctrl-c"), 2),
              ElementsAre(HasSubstr("2/4 stopped dsr1")));
}

TEST_F(ViewLines, AgentsThatAreGoneAndReconnect) {
  arrive("a", "n1", 8, 2);
  arrive("b", "n2", 8, 2);
  EXPECT_THAT(handle(core::Goodbye{"a", "time limit"}),
              ElementsAre("[0:00] n1 is gone: time limit", HasSubstr("0/4 retry   ")));
  EXPECT_THAT(handle(core::Heartbeat{"a"}), ElementsAre("[0:00] n1 has reconnected"));
}

TEST_F(ViewLines, SecondAgentOfANodeIsShownAsASpare) {
  join("a", "n1", 8, 2);
  EXPECT_THAT(
      join("b", "n1", 8, 2),
      ElementsAre("[0:00] n1 joined with 8 GPUs (2 of 2) as a spare: another agent has this node's GPUs"));
}

TEST_F(ViewLines, PointThatIsTooLargeIsShownAsFailed) {
  EXPECT_THAT(
      join("a", "n1", 4),
      ElementsAre(HasSubstr("joined"),
                  "[0:00] 1/4 failed  dsr1_1k8k fp4 sglang b200 tp8 conc4: needs 8 GPUs; the largest node, "
                  "n1, has 4"));
}

TEST_F(ViewLines, PointsOfAServerThatDoesNotStartAreReportedTogether) {
  give_all_points_one_server();
  arrive("a", "n1", 8, 2);
  arrive("b", "n2", 8, 2);
  Outcome dies = outcome(OutcomeKind::ServerFailed, "no CUDA");
  dies.phase = "ready";
  EXPECT_THAT(finish("a", 0, dies),
              ElementsAre("[0:00] 1/4 failed  dsr1_1k8k fp4 sglang b200 tp8 conc4 on n1: server-failed: "
                          "no CUDA; 2 points of this server wait for one further start of it"));
  EXPECT_THAT(
      finish("b", 1, dies),
      ElementsAre("[0:00] 2/4 failed  dsr1_1k8k fp4 sglang b200 tp4 conc8 on n2: server-failed: "
                  "no CUDA",
                  "[0:00] 4/4 failed  2 points: the server failed to start 2 times (on n1, n2), last: no "
                  "CUDA"));
  EXPECT_THAT(
      closing_lines(plan, state, style),
      HasSubstr("  failed      2 points: the server failed to start 2 times (on n1, n2), last: no CUDA\n"
                "                dsr1_1k8k fp4 sglang b200 tp4 conc16\n"
                "                dsr1_1k8k fp4 sglang b200 tp4 conc32\n"));
}

TEST_F(ViewLines, PauseOfTheControllerIsShown) {
  arrive("a", "n1", 8);
  EXPECT_THAT(
      handle(core::Pause{Millis(300'000)}),
      ElementsAre(
          "[0:00] the controller stood still for 5 min 00 s (suspended, or a very slow disk); its time limits begin anew"));
}

TEST_F(ViewLines, ColoursAreUsedOnlyIfTheStyleHasThem) {
  arrive("a", "n1", 8);
  style.colour = true;
  const auto lines = finish("a", 0, outcome(OutcomeKind::Ok));
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_THAT(lines[0], HasSubstr("\x1b[32m done    \x1b[0m"));
}

TEST_F(ViewLines, TextFromBenchmarksAndPeersHasNoControlCharacters) {
  arrive("a", "n1", 8, 2);
  arrive("b", "n2", 8, 2);
  std::vector<std::string> texts = finish("a", 0, outcome(OutcomeKind::NoResult, kControlCharacters));
  const auto add = [&](const std::vector<std::string>& more) {
    texts.insert(texts.end(), more.begin(), more.end());
  };
  add(handle(core::Goodbye{"b", kControlCharacters}));
  add(handle(core::Stop{kControlCharacters, Millis(1'000)}));
  ASSERT_GE(texts.size(), 4u);
  facts.progress[{id(2), 1}] = {kControlCharacters, 0, 0};
  texts.push_back(bar_line(plan, state, facts, now, style));
  texts.push_back(closing_lines(plan, state, style));
  texts.push_back(totals_text(plan, state, facts));
  texts.push_back(jobs_of(plan, state));
  texts.push_back(status_text(status()));
  for (const std::string& text : texts)
    EXPECT_FALSE(has_control_characters(text)) << text;
}

// ---- the bar

class ViewBar : public ViewTest {
 protected:
  std::string bar() const { return bar_line(plan, state, facts, now, style); }
};

TEST_F(ViewBar, ShowsCountsRateAndTimeToGo) {
  style.columns = 200;
  EXPECT_EQ(bar(), "[........................] 0 done, 0 running, 0 failed, 4 pending");
  arrive("a", "n1", 8);
  EXPECT_EQ(bar(), "[>>>>>>..................] 0 done, 1 running, 0 failed, 3 pending");
  finish("a", 0, outcome(OutcomeKind::Ok), 1, Millis(30'000));
  finish("a", 1, outcome(OutcomeKind::NoResult), 1, Millis(30'000));
  EXPECT_EQ(bar(), "[############>>>>>>......] 1 done, 1 running, 1 failed, 1 pending, 2.0/min, ETA 1:00");
  facts.progress[{id(2), 1}] = {"benchmark", 45, 100};
  EXPECT_THAT(bar(), HasSubstr("ETA 1:00 | n1 45/100"));
  facts.progress[{id(2), 1}] = {"server", 0, 0};
  EXPECT_THAT(bar(), HasSubstr("ETA 1:00 | n1 server"));
  facts.progress[{id(2), 1}] = {"image", 3'200'000'000, 0};
  EXPECT_THAT(bar(), HasSubstr("ETA 1:00 | n1 image 3.2 GB"));
}

TEST_F(ViewBar, ImageProgressIsShownInBytesWithAUnit) {
  EXPECT_EQ(progress_text({"image", 0, 0}), "image");
  EXPECT_EQ(progress_text({"image", 3'000'000, 0}), "image 3.0 MB");
  EXPECT_EQ(progress_text({"image", 900'000'000, 18'300'000'000}), "image 900.0 MB of 18.3 GB");
  EXPECT_EQ(progress_text({"image", 18'300'000'000, 18'300'000'000}), "image 18.3 GB");
  EXPECT_EQ(progress_text({"server", 3, 7}), "3/7");
  EXPECT_EQ(progress_text({"", 0, 0}), "");
}

TEST_F(ViewBar, IsNeverLongerThanTheColumnsAndNeverCutInsideACharacter) {
  arrive("a", "nä京😀", 8, 2);
  arrive("b", "nächste", 8, 2);
  for (int i = 0; i < 4; ++i)
    facts.progress[{id(i), 1}] = {"lädt京京", 0, 0};
  for (const bool colour : {false, true}) {
    style.colour = colour;
    for (style.columns = 0; style.columns <= 140; ++style.columns) {
      const std::string line = bar();
      EXPECT_LE(columns(line), static_cast<std::size_t>(style.columns)) << line;
      EXPECT_EQ(line.find_first_of("\r\n"), std::string::npos);
      std::string plain;
      for (std::size_t i = 0; i < line.size(); ++i) {
        if (line[i] == '\x1b') {
          i = line.find('m', i);
        } else {
          plain += line[i];
        }
      }
      EXPECT_NO_THROW(static_cast<void>(nlohmann::json(plain).dump())) << "not UTF-8 at " << style.columns;
    }
  }
}

TEST_F(ViewBar, IsFullAtTheEnd) {
  arrive("a", "n1", 8);
  for (int i = 0; i < 4; ++i)
    finish("a", i, outcome(OutcomeKind::Ok), 1, Millis(1'000));
  EXPECT_THAT(bar(), AllOf(HasSubstr("[########################] 4 done"), Not(HasSubstr("ETA"))));
}

TEST(ViewDurationText, UnitsDependOnTheDuration) {
  EXPECT_EQ(duration_text(Millis(0)), "0.0 s");
  EXPECT_EQ(duration_text(Millis(420)), "0.4 s");
  EXPECT_EQ(duration_text(Millis(75'000)), "75 s");
  EXPECT_EQ(duration_text(Millis(725'000)), "12 min 05 s");
  EXPECT_EQ(duration_text(Millis(11'220'000)), "3 h 07 min");
  EXPECT_EQ(duration_text(Millis(std::numeric_limits<std::int64_t>::max() / 2)).find('-'), std::string::npos);
}

// ---- the end

class ViewClosing : public ViewTest {};

TEST_F(ViewClosing, ShowsThatAllPointsAreDone) {
  arrive("a", "n1", 8);
  for (int i = 0; i < 4; ++i)
    finish("a", i, outcome(OutcomeKind::Ok));
  EXPECT_EQ(closing_lines(plan, state, style), "4 of 4 points done\n");
}

TEST_F(ViewClosing, CountsValidResults) {
  arrive("a", "n1", 8);
  for (int i = 0; i < 4; ++i)
    finish_measured("a", i, i < 3 ? "failures: 9 of 10" : "");
  EXPECT_THAT(
      closing_lines(plan, state, style),
      AllOf(HasSubstr("4 of 4 points ran, 1 valid\n"), Not(HasSubstr("points done")),
            HasSubstr(
                "  invalid     3 points: failures: 9 of 10\n                dsr1_1k8k fp4 sglang b200 tp8 "
                "conc4\n")));
  style.columns = 200;
  EXPECT_THAT(bar_line(plan, state, facts, now, style), HasSubstr(" 4 done, 3 not valid, 0 running"));
}

TEST_F(ViewClosing, ListsFailedAndUnfinishedPoints) {
  arrive("a", "n1", 8);
  finish("a", 0, outcome(OutcomeKind::Ok));
  finish("a", 1, outcome(OutcomeKind::NoResult, "nothing"));
  handle(core::Stop{"interrupted by ctrl-c", Millis(1'000)});
  finish("a", 2, outcome(OutcomeKind::Cancelled, "ctrl-c"));
  EXPECT_EQ(closing_lines(plan, state, style),
            "1 of 4 points done, 1 failed, 2 unfinished (interrupted by ctrl-c)\n"
            "  failed      dsr1_1k8k fp4 sglang b200 tp4 conc8: no-result: nothing\n"
            "  unfinished  dsr1_1k8k fp4 sglang b200 tp4 conc16: cancelled: ctrl-c\n"
            "  unfinished  dsr1_1k8k fp4 sglang b200 tp4 conc32\n");
}

TEST_F(ViewClosing, PointThatWasToBeTriedAgainShowsHowItEnded) {
  arrive("a", "n1", 8);
  handle(core::Stop{"srun has ended", Millis(1'000)});
  finish("a", 0, outcome(OutcomeKind::Preempted, "stopped by SIGTERM"));
  EXPECT_THAT(closing_lines(plan, state, style), HasSubstr("tp8 conc4: preempted: stopped by SIGTERM\n"));
}

}  // namespace
}  // namespace sweep::view
