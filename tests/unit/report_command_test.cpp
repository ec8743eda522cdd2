// controller/report/command: output, files and exit statuses of the commands, run in a temporary folder.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "controller/python/json_text.hpp"
#include "controller/report/command.hpp"
#include "controller/report/result_command.hpp"
#include "tests/unit/net_folder.hpp"
#include "tests/unit/report_samples.hpp"
#include "util/json.hpp"

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

 private:
  std::filesystem::path before_;
};

TEST_F(ReportCommands, ProcessResultPrintsAndWritesTheSameText) {
  put("r.json", kClientResult);
  const auto output = process();
  EXPECT_EQ(output.status, 0) << output.err;
  EXPECT_EQ(output.err, "");
  EXPECT_EQ(output.out, python::json_text(*process_result(sample_context(), kClientResult), 2) + "\n");
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

TEST_F(ReportCommands, ProcessResultWritesToTheResultsDirectory) {
  std::filesystem::create_directory(path("sub"));
  put("sub/r.json", kClientResult);
  EXPECT_EQ(process({{"RESULT_FILENAME", "sub/r"}}).status, 0);
  EXPECT_THAT(get("sub/agg_r.json"), StartsWith("{\n  \"hw\""));
}

TEST_F(ReportCommands, ProcessResultReportsErrorsInOneLine) {
  const auto error_of = [](const CommandOutput& output) {
    EXPECT_EQ(output.status, 1);
    EXPECT_EQ(output.out, "");
    EXPECT_EQ(output.err.find('\n'), output.err.size() - 1) << output.err;
    return output.err;
  };
  EXPECT_THAT(error_of(process()), HasSubstr("r.json"));
  EXPECT_THAT(error_of(process({{"RESULT_FILENAME", ""}})), StartsWith("RESULT_FILENAME is not set"));
  put("r.json", "{");
  EXPECT_THAT(error_of(process()), StartsWith("r.json: the result is not valid JSON"));
  put("r.json", kClientResult);
  EXPECT_THAT(error_of(process({{"TP", "0"}})),
              StartsWith("r.json: TP must be at least 1, because throughput is divided by it, but is '0'"));
  EXPECT_FALSE(std::filesystem::exists(path("agg_r.json")));
}

TEST_F(ReportCommands, CollectWritesReadableFilesAndNamesTheOthers) {
  std::filesystem::create_directory(path("in"));
  put("in/b.json", "{\"b\": 1}");
  put("in/a.json", "[2]");
  const auto clean = run_collect("in/", "all");
  EXPECT_EQ(clean.status, 0) << clean.err;
  EXPECT_EQ(clean.out + clean.err, "");
  EXPECT_EQ(get("agg_all.json"), "[\n  [\n    2\n  ],\n  {\n    \"b\": 1\n  }\n]");
  put("in/bad.json", "{");
  const std::string before = get("agg_all.json");
  const auto dirty = run_collect("in", "all");
  EXPECT_EQ(dirty.status, 1);
  EXPECT_THAT(dirty.err, HasSubstr("in/bad.json"));
  EXPECT_EQ(get("agg_all.json"), before);
}

TEST_F(ReportCommands, CollectSkipsItsOwnOutput) {
  put("a.json", "1");
  EXPECT_EQ(run_collect(".", "x").status, 0);
  EXPECT_EQ(run_collect(".", "x").status, 0);
  EXPECT_EQ(get("agg_x.json"), "[\n  1\n]");
}

TEST_F(ReportCommands, MissingDirectoryGivesNoResults) {
  const auto output = run_collect("none", "all");
  EXPECT_EQ(output.status, 0);
  EXPECT_EQ(output.err, "no results: directory 'none' does not exist\n");
  EXPECT_EQ(get("agg_all.json"), "[]");
  EXPECT_THAT(run_summarize("none", false).out, StartsWith("| Model |"));
  EXPECT_EQ(run_plot("none", "all").status, 0);
  EXPECT_THAT(listing(), ElementsAre("agg_all.json"));
}

TEST_F(ReportCommands, SummarizeReportsSkippedFiles) {
  std::filesystem::create_directory(path("in"));
  put("in/a.json", processed({}).json.dump());
  EXPECT_EQ(run_summarize("in", false).err, "");
  put("in/raw.json", kClientResult);
  put("in/list.json", "[]");
  const auto output = run_summarize("in", false);
  EXPECT_EQ(output.status, 0);
  EXPECT_EQ(output.err, "skipped 1 JSON file that is not a processed result: 'in/raw.json'\n");
  EXPECT_THAT(output.out, HasSubstr("| B200 |"));
  std::filesystem::remove(path("in/a.json"));
  EXPECT_EQ(run_summarize("in", false).status, 1) << "none of the files is a result";
}

TEST_F(ReportCommands, SummarizePrintsJson) {
  put("a.json", processed({.conc = 16}).json.dump());
  put("b.json", processed({.conc = 4}).json.dump());
  const auto rows = Json::parse(run_summarize(".", true).out);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0]["conc"], 4);
  EXPECT_EQ(rows[0]["median_ttft"], 0.125) << "in seconds, as in the file";
  EXPECT_EQ(rows[0]["file"], "./b.json");
}

TEST_F(ReportCommands, ParetoPrintsTheFrontier) {
  const std::vector<Document> documents = {
      processed({.conc = 32, .latency = 9, .interactivity = 50, .throughput = 900}),
      processed({.conc = 4, .latency = 5, .interactivity = 100, .throughput = 500}),
      processed({.conc = 8, .latency = 8, .interactivity = 40, .throughput = 800})};
  const std::vector<Row> results = rows_of(documents);
  const auto table = pareto_output(results, {});
  EXPECT_EQ(table.status, 0) << table.err;
  // clang-format off
  EXPECT_EQ(table.out,
      "| Model                        | Hardware | Framework | Precision |  TP |  EP | DP Attention | Conc | TTFT (ms) | Interactivity (tok/s/user) | E2EL (s) | TPUT per GPU |\n"
      "| ---------------------------- | -------- | --------- | --------- | --: | --: | ------------ | ---: | --------: | -------------------------: | -------: | -----------: |\n"
      "| deepseek-ai/DeepSeek-R1-0528 | B200     | SGLANG    | FP4       |   8 |   1 | false        |   32 |  125.0000 |                    50.0000 |   9.0000 |     900.0000 |\n"
      "| deepseek-ai/DeepSeek-R1-0528 | B200     | SGLANG    | FP4       |   8 |   1 | false        |    4 |  125.0000 |                   100.0000 |   5.0000 |     500.0000 |\n");
  // clang-format on
  const auto rows = Json::parse(
      pareto_output(results, {.directory = "in", .metric = Metric::MedianE2el, .json = true}).out);
  ASSERT_EQ(rows.size(), 3u) << "8 s is between 5 s and 9 s, and so is its throughput";
  EXPECT_EQ(rows[1]["conc"], 8);
  EXPECT_EQ(rows[1]["median_e2el"], 8.0);
}

TEST_F(ReportCommands, ParetoReportsSkippedResults) {
  const auto nothing = pareto_output({}, {.directory = "in"});
  EXPECT_EQ(nothing.status, 1);
  EXPECT_EQ(nothing.err, "no valid results found in 'in'\n");
  Document none = processed({});
  none.path = "in/b.json";
  none.json.erase("median_intvty");
  const auto output = pareto_output(rows_of(std::vector{processed({}), none}), {});
  EXPECT_EQ(output.status, 0);
  EXPECT_EQ(output.err, "skipped 1 result without median_intvty or tput_per_gpu: 'in/b.json'\n");
}

// ---- process-result of InferenceX

class InferencexCommand : public ReportCommands {
 protected:
  CommandOutput run(const PowerStep& power = nullptr, const std::string& name = "r") const {
    std::map<std::string, std::string> all = {{"RESULT_FILENAME", name},
                                              {"RUNNER_TYPE", "b200"},
                                              {"FRAMEWORK", "sglang"},
                                              {"PRECISION", "fp4"},
                                              {"SPEC_DECODING", "none"},
                                              {"ISL", "1024"},
                                              {"OSL", "256"},
                                              {"DISAGG", "false"},
                                              {"MODEL_PREFIX", "dsr1"},
                                              {"IMAGE", "org/image:1"},
                                              {"TP", "8"},
                                              {"EP_SIZE", "1"},
                                              {"DP_ATTENTION", "false"}};
    return run_process_result(
        [&](const char* variable) -> std::optional<std::string> {
          const auto found = all.find(variable);
          return found == all.end() ? std::nullopt : std::optional(found->second);
        },
        power);
  }
};

TEST_F(InferencexCommand, EnvironmentSelectsTheRecordOfInferencex) {
  put("r.json", kClientResult);
  const auto output = run();
  EXPECT_EQ(output.status, 0) << output.err;
  EXPECT_EQ(output.err, "");
  EXPECT_EQ(get("agg_r.json") + "\n", output.out);
  const Json record = Json::parse(output.out);
  EXPECT_EQ(record.at("infmax_model_prefix"), "dsr1");
  EXPECT_EQ(record.at("tput_per_gpu"), 300.0);
}

TEST_F(InferencexCommand, UnclearSwitchIsAWarningAlsoBeforeAnError) {
  const std::map<std::string, std::string> all = {{"IS_MULTINODE", "1"}};
  const auto output = run_process_result([&](const char* variable) -> std::optional<std::string> {
    const auto found = all.find(variable);
    return found == all.end() ? std::nullopt : std::optional(found->second);
  });
  EXPECT_EQ(output.status, 1);
  EXPECT_THAT(output.err, StartsWith("warning: IS_MULTINODE is '1', which counts as false; set it to true or "
                                     "false\nMissing required environment variables: RUNNER_TYPE, "));
}

TEST_F(InferencexCommand, PowerStepRewritesTheRecordThatIsPrinted) {
  ASSERT_TRUE(std::filesystem::create_directory(path("sub")));
  put("sub/r.json", kClientResult);
  PowerRequest seen;
  const auto output = run(
      [&](const PowerRequest& request) {
        seen = request;
        put("sub/agg_r.json", "{}");
        return CommandOutput{1, "[power] avg\n", "power is missing\n"};
      },
      "sub/r");
  EXPECT_EQ(output.out, "[power] avg\n{}\n");
  EXPECT_EQ(output.err, "power is missing\n");
  EXPECT_EQ(output.status, 1);
  EXPECT_EQ(seen.result_path, "sub/r.json");
  EXPECT_EQ(seen.agg_path, "sub/agg_r.json");
  EXPECT_EQ(seen.sidecar_path, "sub/power_validation_r.json");
  EXPECT_EQ(std::get<OneNode>(seen.point.placement).sizes.gpus(), 8);
}

TEST_F(InferencexCommand, PowerStepIsNotRunForInferenceMax) {
  put("r.json", kClientResult);
  bool ran = false;
  const std::map<std::string, std::string> all = {{"RESULT_FILENAME", "r"}, {"TP", "8"}, {"EP_SIZE", "1"}};
  const auto output = run_process_result(
      [&](const char* variable) -> std::optional<std::string> {
        const auto found = all.find(variable);
        return found == all.end() ? std::nullopt : std::optional(found->second);
      },
      [&](const PowerRequest&) {
        ran = true;
        return CommandOutput{};
      });
  EXPECT_EQ(output.status, 0) << output.err;
  EXPECT_FALSE(ran);
  EXPECT_FALSE(Json::parse(output.out).contains("infmax_model_prefix"));
}

TEST_F(InferencexCommand, NothingIsWrittenIfTheRecordCannotBeMade) {
  put("r.json", client_result("model_id", ""));
  const auto output = run();
  EXPECT_EQ(output.status, 1);
  EXPECT_THAT(output.err, StartsWith("r.json: the result has no 'model_id'"));
  EXPECT_EQ(output.out, "");
  EXPECT_THAT(listing(), ElementsAre("r.json"));
}

TEST_F(InferencexCommand, OmittedStatisticsAreNamedWithTheFile) {
  put("r.json", client_result("std_tpot_ms", "0"));
  const auto output = run();
  EXPECT_EQ(output.status, 0);
  EXPECT_EQ(output.err,
            "warning: r.json: left out of the record: 'std_tpot_ms' is 0, so it has no interactivity\n");
}

}  // namespace
}  // namespace sweep::report
