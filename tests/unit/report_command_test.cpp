// controller/report: the four commands, run in a folder of their own: files, what is printed, exit statuses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "controller/report/command.hpp"
#include "tests/unit/net_folder.hpp"
#include "tests/unit/report_samples.hpp"

namespace sweep::report {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

class ReportCommands : public InFolder {
 protected:
  void SetUp() override {
    InFolder::SetUp();
    before_ = std::filesystem::current_path();
    std::filesystem::current_path(folder_);
  }
  void TearDown() override {
    std::filesystem::current_path(before_);
    InFolder::TearDown();
  }

  std::string get(const std::string& name) const {
    const auto bytes = read_file(path(name), 1 << 20);
    return bytes ? *bytes : "cannot read: " + bytes.error().message;
  }

  CommandOutput process(std::map<std::string, std::string> changes = {}) const {
    std::map<std::string, std::string> all = {
        {"RESULT_FILENAME", "r"},  {"RUNNER_TYPE", "b200"}, {"TP", "8"},         {"EP_SIZE", "1"},
        {"DP_ATTENTION", "false"}, {"FRAMEWORK", "sglang"}, {"PRECISION", "fp4"}};
    for (const auto& [name, value] : changes)
      all[name] = value;
    return run_process_result([&](const char* name) -> std::optional<std::string> {
      const auto found = all.find(name);
      return found == all.end() ? std::nullopt : std::optional(found->second);
    });
  }

  static CommandOutput collect(const std::vector<std::string>& args) { return run_collect(args); }
  static CommandOutput summarize(const std::vector<std::string>& args) { return run_summarize(args); }
  static CommandOutput draw(const std::vector<std::string>& args) { return run_plot(args); }

 private:
  std::filesystem::path before_;
};

TEST_F(ReportCommands, ProcessResultPrintsAndWritesTheSame) {
  put("r.json", kClientResult);
  const auto output = process();
  EXPECT_EQ(output.status, 0) << output.err;
  EXPECT_EQ(output.err, "");
  EXPECT_EQ(output.out, python_json(*process_result(sample_context(), kClientResult), 2) + "\n");
  EXPECT_EQ(get("agg_r.json") + "\n", output.out);
}

TEST_F(ReportCommands, ProcessResultReadsEveryVariable) {
  put("r.json", kClientResult);
  const auto json = Json::parse(process({{"RUNNER_TYPE", "h200"},
                                         {"TP", "4"},
                                         {"EP_SIZE", "2"},
                                         {"DP_ATTENTION", "true"},
                                         {"FRAMEWORK", "trt"},
                                         {"PRECISION", "fp8"},
                                         {"MTP_MODE", "on"},
                                         {"PREFILL_GPUS", "2"},
                                         {"DECODE_GPUS", "8"}})
                                    .out);
  EXPECT_THAT((std::vector<std::string>{json["hw"], json["dp_attention"], json["framework"],
                                        json["precision"], json["mtp"]}),
              ElementsAre("h200", "true", "trt", "fp8", "on"));
  EXPECT_EQ(json["ep"], 2);
  EXPECT_EQ(json["tput_per_gpu"], 600.0);
  EXPECT_EQ(json["input_tput_per_gpu"], 700.0);
  EXPECT_EQ(json["output_tput_per_gpu"], 125.0);
}

TEST_F(ReportCommands, ProcessResultWritesBesideTheResult) {
  std::filesystem::create_directory(path("sub"));
  put("sub/r.json", kClientResult);
  EXPECT_EQ(process({{"RESULT_FILENAME", "sub/r"}}).status, 0);
  EXPECT_THAT(get("sub/agg_r.json"), StartsWith("{\n  \"hw\""));
}

TEST_F(ReportCommands, ProcessResultSaysWhatIsWrong) {
  const auto says = [](const CommandOutput& output) {
    EXPECT_EQ(output.status, 1);
    EXPECT_EQ(output.out, "");
    EXPECT_EQ(output.err.find('\n'), output.err.size() - 1) << output.err;
    return output.err;
  };
  EXPECT_THAT(says(process()), HasSubstr("r.json"));
  EXPECT_THAT(says(process({{"RESULT_FILENAME", ""}})), StartsWith("RESULT_FILENAME is not set"));
  put("r.json", "{");
  EXPECT_THAT(says(process()), StartsWith("r.json: the result is not JSON"));
  put("r.json", kClientResult);
  EXPECT_THAT(says(process({{"TP", "0"}})), StartsWith("r.json: TP is '0'"));
  EXPECT_FALSE(std::filesystem::exists(path("agg_r.json")));
}

TEST_F(ReportCommands, CollectWritesWhatIsGoodAndNamesTheRest) {
  std::filesystem::create_directory(path("in"));
  put("in/b.json", "{\"b\": 1}");
  put("in/a.json", "[2]");
  const auto clean = collect({"in/", "all"});
  EXPECT_EQ(clean.status, 0) << clean.err;
  EXPECT_EQ(clean.out + clean.err, "");
  EXPECT_EQ(get("agg_all.json"), "[\n  [\n    2\n  ],\n  {\n    \"b\": 1\n  }\n]");
  put("in/bad.json", "{");
  const std::string before = get("agg_all.json");
  const auto dirty = collect({"in", "all"});
  EXPECT_EQ(dirty.status, 1);
  EXPECT_THAT(dirty.err, HasSubstr("in/bad.json"));
  EXPECT_EQ(get("agg_all.json"), before);
}

TEST_F(ReportCommands, CollectDoesNotCollectItself) {
  put("a.json", "1");
  EXPECT_EQ(collect({".", "x"}).status, 0);
  EXPECT_EQ(collect({".", "x"}).status, 0);
  EXPECT_EQ(get("agg_x.json"), "[\n  1\n]");
}

TEST_F(ReportCommands, NoDirectoryIsNoResults) {
  const auto output = collect({"none", "all"});
  EXPECT_EQ(output.status, 0);
  EXPECT_EQ(output.err, "there is no directory 'none': no results\n");
  EXPECT_EQ(get("agg_all.json"), "[]");
  EXPECT_THAT(summarize({"none"}).out, StartsWith("| Model |"));
  EXPECT_EQ(draw({"none", "all"}).status, 0);
  EXPECT_THAT(listing(), ElementsAre("agg_all.json"));
}

TEST_F(ReportCommands, SummarizeSaysWhatItLeavesOut) {
  std::filesystem::create_directory(path("in"));
  put("in/a.json", processed({}).json.dump());
  EXPECT_EQ(summarize({"in"}).err, "");
  put("in/raw.json", kClientResult);
  put("in/list.json", "[]");
  const auto output = summarize({"in"});
  EXPECT_EQ(output.status, 0);
  EXPECT_EQ(output.err, "2 JSON files left out that are no processed result, first 'in/list.json'\n");
  EXPECT_THAT(output.out, HasSubstr("| B200 |"));
  std::filesystem::remove(path("in/a.json"));
  EXPECT_EQ(summarize({"in"}).status, 1) << "nothing at all was a result";
}

TEST_F(ReportCommands, WrongArgumentsAreUsageErrors) {
  for (const CommandOutput& output : {collect({}), collect({"a"}), collect({"a", "b", "c"}), summarize({}),
                                      summarize({"a", "b"}), draw({"a"}), draw({"a", "b", "c"})}) {
    EXPECT_EQ(output.status, 2);
    EXPECT_THAT(output.err, StartsWith("usage: sweepctl "));
  }
}

}  // namespace
}  // namespace sweep::report
