// The command that resumes a sweep, as the user will paste it into a shell.
#include <cstdio>

#include "controller/view/resume.hpp"
#include "tests/unit/view_sample.hpp"
#include "util/shell_word.hpp"

namespace sweep::view {
namespace {

using Words = std::vector<std::string>;

TEST(ViewResumeCommand, ReplacesTheOptionsOfSrun) {
  EXPECT_EQ(resume_command({"srun", "-N4", "--gpus-per-node=8", "--sweep-config=a.yaml", "./bench.sh"},
                           "/data/out", "/home/u"),
            "cd /home/u && srun --sweep-resume --sweep-output=/data/out -N4 --gpus-per-node=8 "
            "--sweep-config=a.yaml ./bench.sh");
}

TEST(ViewResumeCommand, ReplacesTheOptionsOfSweepctlRun) {
  EXPECT_EQ(resume_command({"sweepctl", "run", "--profile", "p.yaml", "a.yaml", "--", "./bench.sh"},
                           "/data/out", "/home/u"),
            "cd /home/u && sweepctl run --resume --output /data/out --profile p.yaml a.yaml -- ./bench.sh");
}

// A batch script contains srun or sweepctl run, and the resume command is built from that.
TEST(ViewResumeCommand, ProgramsAreRecognizedByNameInAnyDirectory) {
  EXPECT_EQ(resume_command({"/opt/slurm/bin/srun", "x"}, "/o", ""),
            "/opt/slurm/bin/srun --sweep-resume --sweep-output=/o x");
  EXPECT_EQ(resume_command({"/opt/bin/sweepctl", "run", "a.yaml"}, "/o", ""),
            "/opt/bin/sweepctl run --resume --output /o a.yaml");
}

TEST(ViewResumeCommand, IsEmptyForOtherCommands) {
  for (const Words& words : {Words{}, Words{""}, Words{"bash", "job.sh"}, Words{"sweepctl"},
                             Words{"sweepctl", "check", "a.yaml"}, Words{"mysrun", "x"}})
    EXPECT_EQ(resume_command(words, "/o", "/w"), "") << testing::PrintToString(words);
}

TEST(ViewResumeCommand, ReplacesAnEarlierOutputOption) {
  EXPECT_EQ(resume_command({"srun", "--sweep-output=out", "-n2", "--sweep-output", "o 2", "x"}, "/o", ""),
            "srun --sweep-resume --sweep-output=/o -n2 x");
  EXPECT_EQ(resume_command({"sweepctl", "run", "--output=out", "--output", "o 2", "a.yaml"}, "/o", ""),
            "sweepctl run --resume --output /o a.yaml");
}

TEST(ViewResumeCommand, OmitsOptionsThatApplyToOneResumeOnly) {
  EXPECT_EQ(
      resume_command({"srun", "--sweep-resume", "--sweep-retry-failed", "--sweep-accept-changes", "-N2", "x"},
                     "/o", ""),
      "srun --sweep-resume --sweep-output=/o -N2 x");
  EXPECT_EQ(resume_command({"sweepctl", "run", "--retry-failed", "--accept-changes", "--resume"}, "/o", ""),
            "sweepctl run --resume --output /o");
}

TEST(ViewResumeCommand, NamesTheDirectoryInsteadOfThePattern) {
  EXPECT_EQ(
      resume_command({"srun", "--sweep-output=res_%j", "--sweep-resume=auto", "--sweep-config=a.yaml", "x"},
                     "/d/res_12", ""),
      "srun --sweep-resume --sweep-output=/d/res_12 --sweep-config=a.yaml x");
  EXPECT_EQ(
      resume_command({"sweepctl", "run", "--resume=auto", "--output", "res_%j", "a.yaml"}, "/d/res_12", ""),
      "sweepctl run --resume --output /d/res_12 a.yaml");
}

TEST(ViewResumeCommand, PercentSignInADirectoryIsNoSymbol) {
  EXPECT_EQ(resume_command({"srun", "x"}, "/d/50%j", ""), "srun --sweep-resume --sweep-output=/d/50%%j x");
  EXPECT_EQ(resume_command({"sweepctl", "run", "a.yaml"}, "/d/50%", ""),
            "sweepctl run --resume --output /d/50%% a.yaml");
}

TEST(ViewResumeCommand, KeepsTheBenchmarksCommandAfterDashes) {
  EXPECT_EQ(
      resume_command({"sweepctl", "run", "a.yaml", "--", "./b", "--output", "x", "--resume", "--"}, "/o", ""),
      "sweepctl run --resume --output /o a.yaml -- ./b --output x --resume --");
  EXPECT_EQ(resume_command({"srun", "--", "./b", "--sweep-output=x", "--sweep-resume"}, "/o", ""),
            "srun --sweep-resume --sweep-output=/o -- ./b --sweep-output=x --sweep-resume");
}

TEST(ViewResumeCommand, IsTheSameAfterAResume) {
  const std::string once = resume_command({"srun", "-N2", "x"}, "/o", "");
  EXPECT_EQ(resume_command({"srun", "--sweep-resume", "--sweep-output=/o", "-N2", "x"}, "/o", ""), once);
}

/// Returns the words that a shell reads from `line`, each in brackets on a line of its own.
std::string read_by_a_shell(const std::string& line) {
  const std::string script = "printf '[%s]\\n' " + line;
  std::FILE* pipe = ::popen(script.c_str(), "r");
  EXPECT_NE(pipe, nullptr);
  std::string out;
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe))
    out += static_cast<char>(c);
  EXPECT_EQ(::pclose(pipe), 0) << line;
  return out;
}

TEST(ViewResumeCommand, QuotedWordsAreReadBackUnchangedByAShell) {
  const Words strange = {"",         " ", "a b", "it's", "''",  "\"", "$HOME", "`id`",    "\\",    "a\tb",
                         "one\ntwo", "*", "?",   "~",    "!!",  "#",  "a;b",   "a&b",     "(a)",   "{a,b}",
                         "[a]",      "<", ">",   "|",    "ü ∞", "-n", "a=b c", "--x='y'", "x%s\\n"};
  for (const std::string& word : strange)
    EXPECT_EQ(read_by_a_shell(shell_word(word)), "[" + word + "]\n") << shell_word(word);
  Words all = {"srun"};
  all.insert(all.end(), strange.begin(), strange.end());
  std::string expected = "[srun]\n[--sweep-resume]\n[--sweep-output=/o 'u t']\n";
  for (const std::string& word : strange)
    expected += "[" + word + "]\n";
  EXPECT_EQ(read_by_a_shell(resume_command(all, "/o 'u t'", "")), expected);
}

TEST(ViewResumeCommand, WordsAreQuotedOnlyIfNecessary) {
  for (const char* word : {"a", "--sweep-config=a.yaml,b.yaml", "/x/y-z_1.0", "user@host:80", "+5%"})
    EXPECT_EQ(shell_word(word), word);
  EXPECT_EQ(shell_word("it's"), "'it'\\''s'");
}

TEST(ViewResumeCommand, QuotesTheWorkingDirectory) {
  EXPECT_EQ(resume_command({"srun", "x"}, "/o", "/home/u/my runs"),
            "cd '/home/u/my runs' && srun --sweep-resume --sweep-output=/o x");
}

TEST(ViewResumeCommand, ExportKeepsNamesAndSaysSo) {
  const std::string expected =
      "srun --sweep-resume --sweep-output=/o --export=ALL,HF_TOKEN,A -N2 x"
      "  # values are not stored: set HF_TOKEN, A in the environment first";
  EXPECT_EQ(resume_command({"srun", "--export=ALL,HF_TOKEN=hf_S1X,A=b", "-N2", "x"}, "/o", ""), expected);
  EXPECT_EQ(resume_command({"srun", "--export", "ALL,HF_TOKEN=hf_S1X,A=b", "-N2", "x"}, "/o", ""), expected);
  EXPECT_EQ(resume_command({"srun", "--export=NONE", "x"}, "/o", ""),
            "srun --sweep-resume --sweep-output=/o --export=NONE x");
  EXPECT_EQ(resume_command({"srun", "--export=A={\"k\":1,\"p\":\"S1X\"}", "x"}, "/o", ""),
            "srun --sweep-resume --sweep-output=/o --export=A x"
            "  # values are not stored: set A in the environment first");
}

TEST(ViewResumeCommand, SecretsAreReplacedAndThatIsSaid) {
  EXPECT_EQ(resume_command({"sweepctl", "run", "a.yaml", "--", "./b", "--api-key", "S9X"}, "/o", ""),
            "sweepctl run --resume --output /o a.yaml -- ./b --api-key '(set)'"
            "  # secrets are not stored: type them again in place of (set)");
  EXPECT_EQ(
      resume_command({"srun", "--export=B=c", "env", "HF_TOKEN=S1X", "x"}, "/o", "", "12"),
      "srun --sweep-resume --sweep-output=/o --export=B env 'HF_TOKEN=(set)' x"
      "  # values are not stored: set B in the environment first; secrets are not stored: type them again in "
      "place of (set); run it inside a new job with the nodes and GPUs of job 12: in an sbatch script, or "
      "after salloc");
}

class ViewResumeLine : public ViewTest {
 protected:
  ViewResumeLine() { facts.resume = "cd /w && srun --sweep-resume --sweep-output=/o x"; }
  /// Ends all four points, the first `done` of them with a result.
  void end_with(int done) {
    plan.profile.retries.infrastructure = 0;
    arrive("a", "n1", 8);
    for (int i = 0; i < 4; ++i) {
      start("a", i);
      finish("a", i, outcome(i < done ? OutcomeKind::Ok : OutcomeKind::BenchmarkFailed, "why"));
    }
  }
};

TEST_F(ViewResumeLine, IsEmptyWhileTheSweepRunsAndIfItIsComplete) {
  EXPECT_EQ(resume_line(state, facts), "");
  end_with(4);
  ASSERT_EQ(state.phase, core::Phase::Closed);
  EXPECT_EQ(resume_line(state, facts), "");
}

TEST_F(ViewResumeLine, AddsTheRetryOptionIfOnlyFailedPointsAreLeft) {
  end_with(3);
  ASSERT_EQ(state.phase, core::Phase::Closed);
  EXPECT_EQ(resume_line(state, facts),
            "1 failed point; to retry: cd /w && srun --sweep-resume --sweep-retry-failed "
            "--sweep-output=/o x\n");
  facts.resume = "sweepctl run --resume --output /o a.yaml";
  EXPECT_EQ(resume_line(state, facts),
            "1 failed point; to retry: sweepctl run --resume --retry-failed --output /o a.yaml\n");
}

class ViewResumeOfUnfit : public ViewResumeLine {
 protected:
  /// Ends a sweep on a node that has too few GPUs for all points, and returns the resume line.
  std::string line(const std::string& resume, int gpus = 0) {
    facts.resume = resume;
    arrive("a", "n1", gpus);
    EXPECT_EQ(state.phase, core::Phase::Closed);
    return resume_line(state, facts);
  }
};

TEST_F(ViewResumeOfUnfit, AddsTheOptionThatAsksForGpus) {
  EXPECT_EQ(line("cd /w && srun --sweep-resume --sweep-output=/o -N 4 --exclusive ./b.sh -G 1"),
            "4 failed points need 8 GPUs on a node, and the largest node had 0; to retry with "
            "--gpus-per-node=8: cd /w && srun --sweep-resume --gpus-per-node=8 "
            "--sweep-retry-failed --sweep-output=/o -N 4 --exclusive ./b.sh -G 1\n");
}

TEST_F(ViewResumeOfUnfit, ReplacesAnOptionThatAsksForTooFew) {
  EXPECT_THAT(
      line("srun --sweep-resume --sweep-output=/o --gpus-per-node=2 ./b.sh", 2),
      AllOf(
          HasSubstr("the largest node had 2; to retry with --gpus-per-node=8 instead of --gpus-per-node=2: "),
          HasSubstr("--sweep-output=/o --gpus-per-node=8 ./b.sh\n")));
}

TEST_F(ViewResumeOfUnfit, ReplacesAnOptionWhoseValueIsAWordOfItsOwn) {
  EXPECT_THAT(line("srun --sweep-resume --sweep-output=/o -G 2 -N 1 ./b.sh", 2),
              AllOf(HasSubstr("with --gpus-per-node=8 instead of -G 2: "),
                    HasSubstr("--sweep-output=/o --gpus-per-node=8 -N 1 ./b.sh\n")));
}

TEST_F(ViewResumeOfUnfit, WithoutSrunItSaysWhatTheMachineLacks) {
  EXPECT_THAT(
      line("sweepctl run --resume --output /o -- ./b.sh"),
      HasSubstr("had 0; to retry on such a node, for example in a job with --gpus-per-node=8: sweepctl "
                "run --resume --retry-failed"));
}

TEST_F(ViewResumeOfUnfit, JobThatHadNoGpusIsNotRepeated) {
  EXPECT_THAT(
      line("srun --sweep-resume --sweep-output=/o ./b.sh  # run it inside a new job with the nodes and GPUs "
           "of job 12: in an sbatch script, or after salloc"),
      AllOf(HasSubstr("srun --sweep-resume --gpus-per-node=8 --sweep-retry-failed"),
            HasSubstr("inside a new job with --gpus-per-node=8 and the nodes of job 12")));
}

TEST_F(ViewResumeOfUnfit, RunnerTypeThatNoNodeServesIsNamedAsThat) {
  for (core::PointStatus& point : state.points) {
    core::set_point_state(state, static_cast<int>(&point - state.points.data()), core::PointState::Failed);
    point.spec.gpus = 0;
  }
  state.phase = core::Phase::Closed;
  EXPECT_THAT(resume_line(state, facts),
              HasSubstr("4 failed points have a runner type that no node serves; to retry with other nodes"));
}

TEST_F(ViewResumeLine, RetriesTheFirstPointsIfTheyFailedAlike) {
  state.settings.one_benchmark = true;
  arrive("a", "n1", 8);
  Outcome failed = outcome(OutcomeKind::BenchmarkFailed, "cannot start './b.sh': Permission denied");
  failed.phase = "start";
  for (int i = 0; i < 3; ++i)
    finish("a", i, failed);
  ASSERT_EQ(state.phase, core::Phase::Closed);
  EXPECT_EQ(resume_line(state, facts),
            "1 point left and 3 failed points; to resume once the benchmark can be started: cd /w && srun "
            "--sweep-resume --sweep-retry-failed --sweep-output=/o x\n");
  EXPECT_THAT(closing_lines(plan, state, style),
              AllOf(HasSubstr("(the first 3 points failed alike: cannot start './b.sh': Permission denied)"),
                    HasSubstr("  failed      3 points: benchmark-failed: cannot start './b.sh'")));
}

TEST_F(ViewResumeLine, CountsThePointsThatAreLeft) {
  arrive("a", "n1", 8);
  start("a", 0);
  finish("a", 0, outcome(OutcomeKind::Ok));
  handle(core::Stop{"received SIGTERM", Millis(0)});
  handle(core::Tick{}, Millis(1));
  ASSERT_EQ(state.phase, core::Phase::Closed);
  EXPECT_EQ(resume_line(state, facts), "3 points left; to resume: " + facts.resume + "\n");
}

TEST(ViewResumeCommand, CommentSaysToRunSrunInsideASimilarJob) {
  EXPECT_EQ(
      resume_command({"srun", "--sweep-config=a.yaml", "./b.sh"}, "/o", "", "12"),
      "srun --sweep-resume --sweep-output=/o --sweep-config=a.yaml ./b.sh"
      "  # run it inside a new job with the nodes and GPUs of job 12: in an sbatch script, or after salloc");
}

TEST_F(ViewResumeLine, IsEmptyIfTheCommandIsUnknown) {
  facts.resume.clear();
  end_with(0);
  EXPECT_EQ(resume_line(state, facts), "");
}

TEST_F(ViewResumeLine, HasNoControlCharacters) {
  facts.resume = "srun --sweep-resume " + kControlCharacters;
  end_with(0);
  EXPECT_FALSE(has_control_characters(resume_line(state, facts)));
}

}  // namespace
}  // namespace sweep::view
