// controller/github: labels, counts and the command success-rate.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "controller/github/command.hpp"
#include "controller/github/labels.hpp"
#include "controller/github/success_rate.hpp"
#include "tests/unit/net_folder.hpp"
#include "tests/unit/odd_values.hpp"

namespace sweep::github {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;
using Json = nlohmann::ordered_json;

std::vector<std::string> labels(const std::string& text) {
  const auto out = hardware_labels(**yaml::parse_document(text));
  return out ? *out : std::vector<std::string>{"error: " + out.error().message};
}

TEST(HardwareLabels, ClusterLabelsComeFirst) {
  EXPECT_THAT(
      labels("labels:\n  b200: [a]\n  'cluster:h200-x': [a]\n  'cluster:b200': [b]\nhardware: {mi300x: {}}"),
      ElementsAre("b200", "h200-x"));
}

TEST(HardwareLabels, HardwareIsUsedWithoutThem) {
  EXPECT_THAT(labels("labels: {b200: [a]}\nhardware: {h200: {}, 'cluster:b200': {}}"),
              ElementsAre("b200", "h200"));
  EXPECT_THAT(labels("labels: {b200: [a]}"), IsEmpty());
}

TEST(HardwareLabels, FileWithoutLabelsIsTheMappingItself) {
  EXPECT_THAT(labels("'cluster:h100': [a]\nb200: [b]"), ElementsAre("h100"));
}

TEST(HardwareLabels, OtherFilesAreRefused) {
  EXPECT_THAT(labels("- 1"), ElementsAre("error: line 1: the runner file must be a mapping, but is list"));
  EXPECT_THAT(labels("a: 1\nlabels: x"),
              ElementsAre("error: line 2: 'labels' must be a mapping, but is str"));
}

// ---- counts

SuccessRates rates(const std::vector<Job>& jobs, const std::vector<std::string>& all) {
  return success_rates(jobs, all);
}

std::string counts(const std::vector<Job>& jobs, const std::vector<std::string>& all) {
  return success_json(rates(jobs, all)).dump();
}

TEST(SuccessRates, SkippedJobsDoNotCountAndOthersAreTried) {
  EXPECT_EQ(counts({{"a b200 1", "success"},
                    {"b200", "skipped"},
                    {"b200", "failure"},
                    {"b200", "cancelled"},
                    {"b200", ""},
                    {"h200", "success"}},
                   {"b200"}),
            R"({"b200":{"n_success":1,"total":4}})");
}

TEST(SuccessRates, LabelMustBeAWordOfTheLowerCaseName) {
  for (const char* name : {"b200", "x | cluster:b200 c8", "B200-nv_1", "(b200)", "b2000 b200"})
    EXPECT_EQ(rates({{name, "success"}}, {"b200"}).hardware[0].tried, 1U) << name;
  for (const char* name : {"ab200", "b2000", "b200x"})
    EXPECT_EQ(rates({{name, "success"}}, {"b200"}).hardware[0].tried, 0U) << name;
  EXPECT_EQ(rates({{"B200", "success"}}, {"B200"}).hardware[0].tried, 0U) << "labels are not lowered";
}

TEST(SuccessRates, FirstLabelTakesTheJobsOfALongerOneAndThatIsSaid) {
  const auto found =
      rates({{"z5-new a", "success"}, {"z5-new b", "failure"}, {"z5", "success"}}, {"z5", "z5-new"});
  EXPECT_EQ(success_json(found).dump(),
            R"({"z5":{"n_success":2,"total":3},"z5-new":{"n_success":0,"total":0}})");
  EXPECT_THAT(found.notes,
              ElementsAre("2 jobs counted for 'z5' may belong to 'z5-new', because the name contains "
                          "both, such as 'z5-new a'"));
}

TEST(SuccessRates, TableHasTheContractsBytes) {
  EXPECT_EQ(
      success_table(rates({{"b200", "success"}, {"b200", "failure"}, {"b200", "failure"}}, {"b200", "h200"})),
      "\n============================================================\n"
      "Hardware Success Rates\n"
      "============================================================\n"
      "Hardware             Success    Total      Rate      \n"
      "------------------------------------------------------------\n"
      "b200                 1          3          33.33     %\n"
      "============================================================\n");
}

TEST(WorkflowRun, BothFormsOfTheFileAreRead) {
  const auto own =
      workflow_run(Json::parse(R"({"login": "bot", "repository": "a/b", "run": {"id": 99, "name": "s"},
      "jobs": [{"name": "j", "conclusion": null}]})"));
  ASSERT_TRUE(own) << own.error().message;
  EXPECT_EQ(own->login, "bot");
  EXPECT_EQ(own->id, "99");
  EXPECT_EQ(own->jobs.at(0).conclusion, "");
  const auto pages = workflow_run(Json::parse(R"([{"total_count": 2, "jobs": [{"name": "j"}]},
      {"total_count": 2, "jobs": [{"name": "k", "conclusion": "success"}]}])"));
  ASSERT_TRUE(pages) << pages.error().message;
  EXPECT_EQ(pages->jobs.size(), 2U);
  EXPECT_EQ(pages->login, std::nullopt);
}

TEST(WorkflowRun, OtherFilesAreRefused) {
  const auto problem = [](const char* text) { return workflow_run(Json::parse(text)).error().message; };
  EXPECT_EQ(problem("{}"), "it has no list 'jobs'");
  EXPECT_EQ(problem("[3]"), "it has no list 'jobs'");
  EXPECT_EQ(problem(R"({"jobs": [{"name": "a"}, {}]})"), "job 2 in 'jobs' has no 'name'");
}

TEST(WorkflowRun, FilesWithOddValuesAreReadOrRefused) {
  each_odd_document(Json::parse(R"({"login": "bot", "run": {"id": 1, "name": "s"},
      "jobs": [{"name": "j", "conclusion": "success"}]})"),
                    [](const Json& file) {
                      const auto run = workflow_run(file);
                      EXPECT_TRUE(run || !run.error().message.empty());
                    });
}

// ---- the command

class SuccessRateCommand : public InFolder {
 protected:
  void SetUp() override {
    InFolder::SetUp();
    put("runners.yaml", "labels: {'cluster:b200': [a]}");
    put("jobs.json", R"({"login": "bot", "repository": "a/b", "run": {"id": 99, "name": "sweep"},
        "jobs": [{"name": "b200", "conclusion": "success"}]})");
    request_ = {path("stats"), path("jobs.json"), "a/b", "99", path("runners.yaml")};
  }
  std::string written() const { return read_file(path("stats.json"), 1 << 16).value_or("none"); }

  SuccessRateRequest request_;
};

TEST_F(SuccessRateCommand, PrintsAndWritesTheCounts) {
  const auto output = run_success_rate(request_);
  EXPECT_EQ(output.status, 0) << output.err;
  EXPECT_THAT(output.out,
              StartsWith("Authenticated as user: bot\nFound repo: a/b\nFound run: 99 - sweep\n\n==="));
  EXPECT_EQ(written(), "{\n  \"b200\": {\n    \"n_success\": 1,\n    \"total\": 1\n  }\n}");
}

TEST_F(SuccessRateCommand, RejectedTokenWritesNull) {
  put("jobs.json", R"({"login": "", "jobs": []})");
  const auto output = run_success_rate(request_);
  EXPECT_EQ(output.status, 0);
  EXPECT_EQ(output.out, "Authentication failed: 401 Bad credentials\nNo data to display\n");
  EXPECT_THAT(output.err, HasSubstr("GitHub rejected the token (GITHUB_TOKEN)"));
  EXPECT_EQ(written(), "null");
}

TEST_F(SuccessRateCommand, JobsOfAnotherRunAreRefused) {
  request_.repository = "a/c";
  EXPECT_THAT(run_success_rate(request_).err, HasSubstr("repository 'a/b', but GITHUB_REPOSITORY is 'a/c'"));
  request_.repository = "a/b";
  request_.run_id = "98";
  const auto output = run_success_rate(request_);
  EXPECT_EQ(output.status, 1);
  EXPECT_THAT(output.err, HasSubstr("has the jobs of run 99, but GITHUB_RUN_ID is '98'"));
  EXPECT_EQ(written(), "none");
}

TEST_F(SuccessRateCommand, MissingJobsFileNamesTheCommandThatMakesOne) {
  request_.jobs_file.reset();
  const auto output = run_success_rate(request_);
  EXPECT_EQ(output.status, 1);
  EXPECT_THAT(output.err, AllOf(StartsWith("GITHUB_JOBS_FILE is not set"), HasSubstr("gh api ")));
}

TEST_F(SuccessRateCommand, BrokenRunnerFileIsNamedWithItsLine) {
  put("runners.yaml", "labels: [");
  EXPECT_THAT(run_success_rate(request_).err, HasSubstr("runners.yaml' is not valid YAML: line 2"));
}

}  // namespace
}  // namespace sweep::github
