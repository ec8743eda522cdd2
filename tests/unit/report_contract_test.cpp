// Tests controller/report as a whole, from a client's result to the table and the pictures, against section 4
// of the contract. The other report_*_test.cpp test its parts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "controller/report/collect.hpp"
#include "controller/report/plot_model.hpp"
#include "controller/report/summary.hpp"
#include "tests/unit/net_folder.hpp"
#include "tests/unit/report_plots.hpp"
#include "tests/unit/report_samples.hpp"
#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep::report {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;

const std::vector<std::string> kStatistics = {"mean", "median", "std", "p90", "p99", "p99.9"};

// Returns a result with every key of the contract, including those of later versions, in its order. The n-th
// statistic, counted from 1, is n milliseconds.
std::string whole_result() {
  Json json = {{"date", "20251110-120000"},
               {"backend", "vllm"},
               {"model_id", "org/Model"},
               {"tokenizer_id", "org/Model"},
               {"num_prompts", 40},
               {"request_rate", "inf"},
               {"burstiness", 1.0},
               {"max_concurrency", 16},
               {"duration", 8.0},
               {"completed", 40},
               {"total_input_tokens", 1},
               {"total_output_tokens", 2},
               {"request_throughput", 5.0},
               {"request_goodput:", nullptr},
               {"output_throughput", 1000.0},
               {"total_token_throughput", 2400.0}};
  int n = 0;
  for (const char* what : {"ttft", "tpot", "itl", "e2el"}) {
    for (const std::string& statistic : kStatistics)
      json[statistic + "_" + what + "_ms"] = ++n;
  }
  json["benchmark_start_time_unix"] = 1762770000.5;
  json["benchmark_end_time_unix"] = 1762770008.5;
  return json.dump();
}

std::vector<std::string> keys_of(const Json& json) {
  std::vector<std::string> out;
  for (const auto& [key, value] : json.items())
    out.push_back(key);
  return out;
}

// ---- process_result

TEST(ReportContract, StatisticsAreInSecondsAndEachTpotIsFollowedByItsInteractivity) {
  const Json result = good(sample_context(), whole_result());
  std::vector<std::string> keys = {"hw",
                                   "tp",
                                   "ep",
                                   "dp_attention",
                                   "conc",
                                   "model",
                                   "framework",
                                   "precision",
                                   "tput_per_gpu",
                                   "output_tput_per_gpu",
                                   "input_tput_per_gpu"};
  int n = 0;
  for (const char* what : {"ttft", "tpot", "itl", "e2el"}) {
    for (const std::string& statistic : kStatistics) {
      const std::string key = statistic + "_" + what;
      keys.push_back(key);
      EXPECT_EQ(result[key], ++n / 1000.0) << key;
      if (what != std::string("tpot")) continue;
      keys.push_back(statistic + "_intvty");
      EXPECT_EQ(result[keys.back()], 1000.0 / n) << key;
    }
  }
  EXPECT_THAT(keys_of(result), ElementsAreArray(keys)) << "exactly these keys in this order";
}

TEST(ReportContract, PrefillAndDecodeGpusDefaultToTpIndependently) {
  ResultContext context = sample_context();
  context.prefill_gpus = "2";
  EXPECT_EQ(good(context, whole_result())["input_tput_per_gpu"], 700.0);
  EXPECT_EQ(good(context, whole_result())["output_tput_per_gpu"], 125.0) << "divided by TP";
  context.prefill_gpus = "";
  context.decode_gpus = "2";
  EXPECT_EQ(good(context, whole_result())["input_tput_per_gpu"], 175.0) << "divided by TP";
  EXPECT_EQ(good(context, whole_result())["output_tput_per_gpu"], 500.0);
  EXPECT_EQ(good(context, whole_result())["tput_per_gpu"], 300.0) << "always divided by TP";
}

TEST(ReportContract, NonEmptyMtpModeIsAKey) {
  ResultContext context = sample_context();
  for (const char* mode : {"0", "off", " "}) {
    context.mtp_mode = mode;
    EXPECT_EQ(good(context, whole_result())["mtp"], mode);
    EXPECT_EQ(keys_of(good(context, whole_result())).at(11), "mtp") << "before the statistics";
  }
}

TEST(ReportContract, EnvironmentTextsRemainTexts) {
  ResultContext context = sample_context();
  context.dp_attention = "true";
  context.precision = "8";
  context.runner_type = "";
  const Json result = good(context, whole_result());
  EXPECT_EQ(result["dp_attention"], "true");
  EXPECT_EQ(result["precision"], "8");
  EXPECT_EQ(result["hw"], "") << "set to an empty text, not null";
}

TEST(ReportContract, ZeroTpotOmitsOnlyItsInteractivity) {
  for (const std::string& statistic : kStatistics) {
    Json client = Json::parse(whole_result());
    client[statistic + "_tpot_ms"] = 0;
    Json expected = good(sample_context(), whole_result());
    expected[statistic + "_tpot"] = 0.0;
    expected.erase(statistic + "_intvty");
    EXPECT_EQ(good(sample_context(), client.dump()).dump(), expected.dump());
  }
}

// ---- collect

class ReportContractFiles : public InFolder {};

TEST_F(ReportContractFiles, CollectReadsJsonFilesInHiddenFolders) {
  std::filesystem::create_directories(path(".hidden/deep"));
  put(".hidden/deep/a.json", "{\"caf\xc3\xa9\": NaN}");
  put("b.json", "[1, 2]");
  put("c.txt", "{}");
  put("json", "{}");
  EXPECT_EQ(collect_text(read_documents(folder_).good),
            "[\n  {\n    \"caf\\u00e9\": NaN\n  },\n  [\n    1,\n    2\n  ]\n]");
}

// ---- summarize

// Returns the cells of the table's rows.
std::vector<std::vector<std::string>> cells(const std::vector<Document>& documents) {
  std::vector<std::vector<std::string>> out;
  const std::vector<std::string> lines = split(summary_table(rows_of(documents)), '\n');
  for (std::size_t i = 2; i + 1 < lines.size(); ++i) {
    std::vector<std::string>& row = out.emplace_back();
    const std::vector<std::string> parts = split(lines[i], '|');
    for (std::size_t j = 1; j + 1 < parts.size(); ++j)
      row.push_back(parts[j].substr(1, parts[j].size() - 2));
  }
  return out;
}

std::vector<std::string> column_of(const std::vector<Document>& documents, std::size_t at) {
  std::vector<std::string> out;
  for (const auto& row : cells(documents))
    out.push_back(row.at(at));
  return out;
}

TEST(ReportContract, TableShowsTheMediansOfAProcessedResult) {
  const auto rows = cells({{"", good(sample_context(), whole_result())}});
  ASSERT_EQ(rows.size(), 1u);
  // The medians are the 2nd, 8th and 20th statistic.
  EXPECT_THAT(rows[0], ElementsAre("org/Model", "B200", "SGLANG", "FP4", "8", "1", "false", "16", "2.0000",
                                   "8.0000", "125.0000", "0.0200", "300.0000", "125.0000", "175.0000"));
}

TEST(ReportContract, AbsentValueSortsAsItsDefault) {
  const auto without = [](const char* key, Measured measured = {}) {
    Document out = processed(measured);
    out.json.erase(key);
    return out;
  };
  EXPECT_THAT(column_of({without("model"), processed({.model = "z"}), processed({.model = "a"})}, 0),
              ElementsAre("a", "unknown", "z"));
  EXPECT_THAT(
      column_of({processed({.framework = "zz"}), without("framework"), processed({.framework = "trt"})}, 2),
      ElementsAre("TRT", "VLLM", "ZZ"));
  EXPECT_THAT(
      column_of({processed({.precision = "int4"}), without("precision"), processed({.precision = "fp4"})}, 3),
      ElementsAre("FP4", "FP8", "INT4"));
}

TEST(ReportContract, SortsByTheOriginalCase) {
  EXPECT_THAT(column_of({processed({.hw = "b200"}), processed({.hw = "A100"}), processed({.hw = "a100"}),
                         processed({.hw = "H100"})},
                        1),
              ElementsAre("A100", "H100", "A100", "B200"))
      << "sorted by bytes, as in Python";
  EXPECT_THAT(column_of({processed({.model = "m"}), processed({.model = "M"})}, 0), ElementsAre("M", "m"))
      << "a model's name is not capitalized";
}

TEST(ReportContract, EqualRowsKeepTheirOrder) {
  std::vector<Document> documents;
  for (int i = 0; i < 40; ++i)
    documents.push_back(processed({.latency = static_cast<double>(i)}));
  const auto shown = column_of(documents, 11);
  ASSERT_EQ(shown.size(), 40u);
  for (std::size_t i = 0; i < shown.size(); ++i)
    EXPECT_EQ(shown[i], std::to_string(i) + ".0000");
}

// ---- plot

TEST(ReportContract, EachPictureShowsThroughputPerGpuOverItsMetric) {
  Json client = Json::parse(whole_result());
  client["median_e2el_ms"] = 12500;
  client["median_tpot_ms"] = 16;
  const std::vector<Document> documents = {{"", good(sample_context(), client.dump())}};
  EXPECT_THAT(script_of(documents, Metric::MedianE2el), HasSubstr("\n12.5 300.0\n"));
  EXPECT_THAT(script_of(documents, Metric::MedianIntvty), HasSubstr("\n62.5 300.0\n"));
}

TEST(ReportContract, PictureHasTheContractsColoursAndMarks) {
  const std::string script =
      script_of({processed({.hw = "h200", .precision = "fp8"}), processed({.hw = "b200", .precision = "fp4"}),
                 processed({.hw = "tpu", .precision = "bf16"})},
                Metric::MedianE2el);
  const auto element = [&](const std::string& title) {
    const std::size_t at = script.find("title '" + title + "'");
    EXPECT_NE(at, std::string::npos) << script;
    const std::size_t begin = script.rfind("with points", at);
    return begin == std::string::npos ? "" : script.substr(begin, at - begin);
  };
  EXPECT_THAT(element("H200 (fp8)"), testing::AllOf(HasSubstr("pointtype 7 "), HasSubstr("'#008000'")));
  EXPECT_THAT(element("B200 (fp4)"), testing::AllOf(HasSubstr("pointtype 5 "), HasSubstr("'#000000'")));
  EXPECT_THAT(element("TPU (bf16)"), HasSubstr("pointtype ")) << "the Python tool does not draw it";
}

TEST(ReportContract, ModelFamilyIgnoresCaseAndPath) {
  for (const char* model : {"x/LLAMA-3-70B", "llama70b", "70b/other-dsr1"})
    EXPECT_EQ(model_family(model), "70b") << model;
  for (const char* model : {"DeepSeek-R1", "org/deepseek-r1-distill", "org-dsr1/x-y"})
    EXPECT_EQ(model_family(model), "dsr1") << model;
  EXPECT_EQ(model_family("org-name/Model-x-y"), "Model")
      << "up to the dash of the last path component, in its case";
  EXPECT_EQ(model_family("deepseek-ai/DeepSeek-V3"), "DeepSeek");
}

}  // namespace
}  // namespace sweep::report
