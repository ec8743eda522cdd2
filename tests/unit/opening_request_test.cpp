// SweepRequest: from options to a plan, to facts, and to an opened sweep.
#include <cstdlib>

#include "controller/io/sweep_request.hpp"
#include "controller/profile/load_profile.hpp"
#include "tests/unit/opening_sample.hpp"
#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep {
namespace {

class RequestTest : public InFolder {
 protected:
  void SetUp() override {
    InFolder::SetUp();
    ::setenv("HOME", folder_.c_str(), 1);  // the user's profile is read from there
    put_matrix("matrix.yaml", "sglang",
               "[{ tp: 1, conc-start: 1, conc-end: 1 }, { tp: 1, conc-start: 2, conc-end: 2 }]");
    request_.configs = {path("matrix.yaml")};
    request_.output = path("out");
  }

  void put_matrix(const std::string& name, const std::string& framework, const std::string& space) const {
    put(name, "dsr1-fp4-b200-" + framework + ":\n  image: i\n  model: m\n  framework: " + framework +
                  "\n  search-space: " + space + "\n");
  }

  Expected<OpenedSweep> open() {
    notes_.clear();
    return open_sweep(request_, origin_, kNow, notes_);
  }
  /// Opens a new sweep and drops it, as if its controller had been killed.
  void leave_sweep() {
    const auto opened = open();
    ASSERT_TRUE(opened) << opened.error().message;
  }

  static constexpr Instant kNow{Millis(1'700'000'000'000)};
  SweepRequest request_;
  SessionOrigin origin_;
  std::vector<std::string> notes_;
};

using LoadPlan = RequestTest;

TEST_F(LoadPlan, ReadsSeveralFilesSeparatedByCommasOrGivenSeparately) {
  put_matrix("a.yaml", "sglang", "[{ tp: 1, conc-start: 1, conc-end: 1 }]");
  put_matrix("b.yaml", "trt", "[{ tp: 1, conc-start: 1, conc-end: 1 }]");
  request_.configs = {path("a.yaml") + "," + path("b.yaml")};
  const auto joined = load_plan(request_);
  ASSERT_TRUE(joined) << joined.error().message;
  EXPECT_EQ(joined->points.size(), 2U);
  request_.configs = {path("a.yaml"), path("b.yaml")};
  const auto separate = load_plan(request_);
  ASSERT_TRUE(separate) << separate.error().message;
  EXPECT_EQ(separate->points.size(), 2U);
}

TEST_F(LoadPlan, RefusesSeveralHardwareTypesWithoutRunners) {
  put("h200.yaml",
      "dsr1-fp8-h200-sglang:\n  image: i\n  model: m\n  search-space: [{ tp: 1, conc-start: 1, "
      "conc-end: 1 }]\n");
  request_.configs = {path("matrix.yaml"), path("h200.yaml")};
  const auto refused = load_plan(request_);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("2 hardware types, b200 (2 points), h200 (1 point)"));
  request_.select = "--runner-type h200";
  const auto one = load_plan(request_);
  ASSERT_TRUE(one) << one.error().message;
  EXPECT_EQ(one->points.size(), 1U);
  request_.select.clear();
  put("p.yaml", "runners: { b200: { nodes: [n1] }, h200: { nodes: [n2] } }\n");
  request_.profile = path("p.yaml");
  EXPECT_TRUE(load_plan(request_));
}

TEST_F(LoadPlan, ReturnsWarnings) {
  put("full.yaml",
      "k: {image: i, model: m, model-prefix: p, precision: fp8, framework: f, runner: r, note: x, "
      "seq-len-configs: [{isl: 1, osl: 1, search-space: [{tp: 1, conc-start: 1, conc-end: 1}]}]}\n");
  request_.configs = {path("full.yaml")};
  std::vector<std::string> warnings;
  ASSERT_TRUE(load_plan(request_, &warnings));
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_THAT(warnings[0], HasSubstr("full.yaml:1: unknown key 'note'"));
  EXPECT_TRUE(open());
  ASSERT_FALSE(notes_.empty());
  EXPECT_EQ(notes_[0], "warning: " + warnings[0]);
}

TEST_F(LoadPlan, RecognisesAProfileByEachOfItsKeys) {
  const auto unknown = profile::parse_profile("zzzzzzzzzz: 1\n", "p", {});
  ASSERT_FALSE(unknown);
  const std::string list = unknown.error().message.substr(unknown.error().message.find("known: ") + 7);
  for (std::string key : split(list, ',')) {
    key.erase(0, key.find_first_not_of(' '));
    put("matrix.yaml", key + ": {}\n");
    const auto refused = load_plan(request_);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, HasSubstr("it is a profile (it has '" + key + "')"));
  }
}

TEST_F(LoadPlan, SelectsAndRepeats) {
  EXPECT_EQ(selection_of(request_), "");
  request_.repeat = 3;
  EXPECT_EQ(selection_of(request_), "--repeat 3");
  request_.select = "--framework sglang";
  EXPECT_EQ(selection_of(request_), "--framework sglang --repeat 3");
  const auto plan = load_plan(request_);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan->points.size(), 6U);
}

TEST_F(LoadPlan, NamesAnUnfinishedQuoteInTheSelection) {
  request_.select = "--framework 'sglang";
  const auto plan = load_plan(request_);
  ASSERT_FALSE(plan);
  EXPECT_THAT(plan.error().message, testing::StartsWith("--select: "));
}

TEST_F(LoadPlan, NamedProfileOverridesTheUsers) {
  std::filesystem::create_directories(path(".config/slurm-sweep"));
  put(".config/slurm-sweep/profile.yaml", "gpus: ignore\npacking: gpu\n");
  put("named.yaml", "packing: node\n");
  request_.profile = path("named.yaml");
  const auto plan = load_plan(request_);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_TRUE(plan->profile.ignore_gpus);
  EXPECT_EQ(plan->profile.packing, profile::Profile::Packing::Node);
}

using OpenSweepRequest = RequestTest;

TEST_F(OpenSweepRequest, BenchmarkThatCannotBeStartedCreatesNoDirectory) {
  put("b.sh", "#!/bin/sh\n", 0644);
  origin_.benchmark = BenchmarkCommand{{"./b.sh"}, folder_};
  const auto refused = open();
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("make it executable: chmod +x ./b.sh"));
  EXPECT_FALSE(std::filesystem::exists(path("out")));
  put("b.sh", "#!/bin/sh\n");
  leave_sweep();
  put("b.sh", "#!/bin/sh\n", 0644);
  request_.resume = true;
  EXPECT_FALSE(open());
  EXPECT_FALSE(check_resume(request_, origin_.benchmark, kNow));
  put("b.sh", "#!/bin/sh\n");
  EXPECT_TRUE(check_resume(request_, origin_.benchmark, kNow));
}

TEST_F(OpenSweepRequest, NewSweepHasTheFactsOfItsSession) {
  put("named.yaml", "gpus: ignore\n");
  request_.profile = path("named.yaml");
  request_.repeat = 2;
  origin_ = {"12.0", {"srun", "--sweep-config=" + path("matrix.yaml"), "bench.sh"}, ""};
  const auto opened = open();
  ASSERT_TRUE(opened) << opened.error().message;
  const view::Facts& facts = opened->sweep.facts;
  EXPECT_EQ(facts.sweep.size(), 12U);
  EXPECT_EQ(facts.opened, kNow);
  EXPECT_EQ(facts.job, "12.0");
  EXPECT_EQ(facts.directory, path("out"));
  EXPECT_EQ(facts.profile, path("named.yaml"));
  EXPECT_EQ(facts.select, "--repeat 2");
  EXPECT_THAT(facts.configs, ElementsAre(path("matrix.yaml")));
  EXPECT_THAT(facts.owner, HasSubstr(", pid " + std::to_string(::getpid())));
  EXPECT_THAT(facts.resume, HasSubstr("srun --sweep-resume --sweep-output=" + path("out")));
  EXPECT_EQ(opened->sweep.state.points.size(), 4U);
  EXPECT_TRUE(std::filesystem::exists(path("out/sweep.db")));
}

TEST_F(OpenSweepRequest, FactsHaveAbsolutePaths) {
  put("named.yaml", "gpus: ignore\n");
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder_);
  request_.configs = {"matrix.yaml"};
  request_.output = "out";
  request_.profile = "./named.yaml";
  const auto opened = open();
  std::filesystem::current_path(before);
  ASSERT_TRUE(opened) << opened.error().message;
  const view::Facts& facts = opened->sweep.facts;
  EXPECT_THAT(facts.configs, ElementsAre(path("matrix.yaml")));
  EXPECT_EQ(facts.profile, path("named.yaml"));
  EXPECT_EQ(facts.directory, path("out"));
  EXPECT_EQ(facts.working_directory, folder_);
}

TEST_F(OpenSweepRequest, WrongMatrixCreatesNoDirectory) {
  request_.select = "--framework vllm";
  EXPECT_FALSE(open());
  EXPECT_FALSE(std::filesystem::exists(path("out")));
}

TEST_F(OpenSweepRequest, AgentsInAnImageNeedAJob) {
  put("inside.yaml", "container: { runtime: pyxis, agent: image }\n");
  request_.profile = path("inside.yaml");
  const auto without = open();
  ASSERT_FALSE(without);
  EXPECT_THAT(without.error().message, HasSubstr("'container.agent: image' needs a Slurm job"));
  EXPECT_FALSE(std::filesystem::exists(path("out")));
  origin_.job = "12.0";
  const auto with = open();
  EXPECT_TRUE(with) << with.error().message;
}

TEST_F(OpenSweepRequest, ResumeUsesTheProfileFileOfTheSweepUnlessOneIsGiven) {
  put("first.yaml", "gpus: ignore\npacking: gpu\n");
  put("second.yaml", "gpus: ignore\npacking: node\n");
  request_.profile = path("first.yaml");
  leave_sweep();
  request_.resume = true;
  request_.configs.clear();
  request_.profile.clear();
  {
    const auto opened = open();
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_EQ(opened->sweep.facts.profile, path("first.yaml"));
    EXPECT_EQ(opened->sweep.plan.profile.packing, profile::Profile::Packing::Gpu);
    EXPECT_THAT(opened->sweep.facts.configs, ElementsAre(path("matrix.yaml")));
  }
  request_.profile = path("second.yaml");
  const auto opened = open();
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ(opened->sweep.facts.profile, path("second.yaml"));
  EXPECT_EQ(opened->sweep.plan.profile.packing, profile::Profile::Packing::Node);
}

TEST_F(OpenSweepRequest, ResumeRefusesSeveralHardwareTypesWithoutRunners) {
  put("h200.yaml",
      "dsr1-fp8-h200-sglang:\n  image: i\n  model: m\n  search-space: [{ tp: 1, conc-start: 1, "
      "conc-end: 1 }]\n");
  put("p.yaml", "runners: { b200: { nodes: [n1] }, h200: { nodes: [n2] } }\n");
  put("without.yaml", "strict: no\n");
  request_.configs = {path("matrix.yaml"), path("h200.yaml")};
  request_.profile = path("p.yaml");
  leave_sweep();
  request_.resume = true;
  request_.configs.clear();
  request_.profile = path("without.yaml");
  const auto checked = check_resume(request_, {}, kNow);
  ASSERT_FALSE(checked);
  EXPECT_THAT(
      checked.error().message,
      testing::AllOf(HasSubstr("2 hardware types, b200 (2 points), h200 (1 point)"),
                     HasSubstr("in the profile: runners: { b200: "), Not(HasSubstr("--runner-type"))));
  const auto refused = open();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, checked.error().message);
  request_.profile.clear();
  EXPECT_TRUE(check_resume(request_, {}, kNow));
  EXPECT_TRUE(open());
}

TEST_F(OpenSweepRequest, ChangedMatrixIsRefusedWithOneLinePerChange) {
  leave_sweep();
  put_matrix("matrix.yaml", "sglang",
             "[{ tp: 1, conc-start: 2, conc-end: 2 }, { tp: 1, conc-start: 4, conc-end: 4 }]");
  request_.resume = true;
  const auto refused = open();
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message,
              testing::AllOf(HasSubstr("\n  added    "), HasSubstr("\n  removed  ")));
  const auto checked = check_resume(request_, {}, kNow);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().message, refused.error().message);
  request_.accept_changes = true;
  EXPECT_TRUE(check_resume(request_, {}, kNow));
  const auto opened = open();
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_THAT(notes_, testing::SizeIs(2));
}

TEST_F(OpenSweepRequest, CheckOfAResumeChangesNothing) {
  leave_sweep();
  request_.resume = true;
  request_.configs.clear();
  const auto events = [&] {
    auto archive = open_archive(path("out"));
    return archive ? archive->journal.events()->size() : 0;
  };
  const std::size_t before = events();
  EXPECT_TRUE(check_resume(request_, {}, kNow));
  EXPECT_EQ(events(), before);
}

TEST_F(OpenSweepRequest, SymbolsInTheOutputDirectoryAreReplaced) {
  request_.output = path("res_%j_%x");
  origin_ = {
      "12.0", {"srun", "--sweep-output=res_%j_%x", "bench.sh"}, "", {}, {.job = "12", .job_name = "n"}};
  const auto opened = open();
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ(opened->sweep.facts.directory, path("res_12_n"));
  EXPECT_THAT(opened->sweep.facts.resume,
              HasSubstr("srun --sweep-resume --sweep-output=" + path("res_12_n") + " bench.sh"));
}

TEST_F(OpenSweepRequest, SymbolWithoutAValueCreatesNothing) {
  request_.output = path("res_%j");
  const auto opened = open();
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message, HasSubstr("%j has no value: there is no Slurm job"));
  EXPECT_FALSE(std::filesystem::exists(path("res_%j")));
}

TEST_F(OpenSweepRequest, ResumeOrStartStartsOnceAndThenResumes) {
  request_.resume = request_.or_start = true;
  std::string sweep;
  for (const bool resumed : {false, true, true}) {
    const auto opened = open();
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_EQ(opened->sweep.state.resumed.has_value(), resumed);
    if (!resumed) sweep = opened->sweep.facts.sweep;
    EXPECT_EQ(opened->sweep.facts.sweep, sweep);
  }
}

// What a full disk leaves of a sweep that could not begin.
TEST_F(OpenSweepRequest, ResumeOrStartStartsInAFolderWithAnEmptyJournal) {
  std::filesystem::create_directories(path("out"));
  put("out/sweep.db", "");
  request_.resume = request_.or_start = true;
  const auto opened = open();
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_FALSE(opened->sweep.state.resumed);
}

TEST_F(OpenSweepRequest, ResumeOrStartRefusesAChangedMatrix) {
  leave_sweep();
  put_matrix("matrix.yaml", "sglang", "[{ tp: 1, conc-start: 4, conc-end: 4 }]");
  request_.resume = request_.or_start = true;
  const auto refused = open();
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("add --sweep-accept-changes"));
}

}  // namespace
}  // namespace sweep
