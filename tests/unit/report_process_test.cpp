// controller/report/process_result: processed results, and which client results are rejected.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/python/json_text.hpp"
#include "controller/report/client_result.hpp"
#include "controller/report/stand_in.hpp"
#include "tests/unit/report_samples.hpp"
#include "util/json.hpp"
#include "util/os/files.hpp"

namespace sweep::report {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string bad(const ResultContext& context, const std::string& bytes = kClientResult) {
  const auto result = process_result(context, bytes);
  return result ? "" : result.error().message;
}

TEST(ProcessResult, HasTheContractsBytes) {
  EXPECT_EQ(python::json_text(good(sample_context()), 2), R"({
  "hw": "b200",
  "tp": 8,
  "ep": 1,
  "dp_attention": "false",
  "conc": 16,
  "model": "org/Model",
  "framework": "sglang",
  "precision": "fp4",
  "tput_per_gpu": 300.0,
  "output_tput_per_gpu": 125.0,
  "input_tput_per_gpu": 175.0,
  "mean_ttft": 0.15,
  "median_ttft": 0.125,
  "p99.9_ttft": 0.3005,
  "median_tpot": 0.008,
  "median_intvty": 125.0,
  "std_tpot": 0.0005,
  "std_intvty": 2000.0,
  "median_itl": 0.0075,
  "median_e2el": 8.125
})");
}

TEST(ProcessResult, HasTheBytesOfTheRecordedTool) {
  const std::string folder = SWEEP_SOURCE_DIR "/tests/unit/data/";
  const auto client = read_file(folder + "client_result.json", 1 << 20);
  const auto recorded = read_file(folder + "agg_client_result.json", 1 << 20);
  ASSERT_TRUE(client && recorded);
  EXPECT_EQ(python::json_text(good(sample_context(), *client), 2), *recorded);
}

TEST(ProcessResult, UnsetVariablesAreNull) {
  ResultContext context;
  context.tp = "1";
  context.ep = "1";
  const Json result = good(context);
  for (const char* key : {"hw", "dp_attention", "framework", "precision"}) {
    EXPECT_TRUE(result.at(key).is_null()) << key;
  }
  EXPECT_FALSE(result.contains("mtp"));
}

TEST(ProcessResult, DividesByTheGpusOfEachStage) {
  ResultContext context = sample_context();
  context.prefill_gpus = "4";
  context.decode_gpus = "16";
  context.mtp_mode = "on";
  const Json result = good(context);
  EXPECT_EQ(result["tput_per_gpu"], 300.0);
  EXPECT_EQ(result["output_tput_per_gpu"], 62.5);
  EXPECT_EQ(result["input_tput_per_gpu"], 350.0);
  EXPECT_EQ(result["mtp"], "on");
  std::string before;
  for (const auto& [key, value] : result.items()) {
    if (key == "mtp") break;
    before = key;
  }
  EXPECT_EQ(before, "input_tput_per_gpu") << "the key before mtp";
}

TEST(ProcessResult, ReadsVariablesAsIntDoes) {
  ResultContext context = sample_context();
  context.tp = " 08 ";
  context.ep = "+4";
  EXPECT_EQ(good(context)["tp"], 8);
  EXPECT_EQ(good(context)["ep"], 4);
}

TEST(ProcessResult, ErrorNamesTheInvalidVariable) {
  const auto with = [](auto change) {
    ResultContext context = sample_context();
    change(context);
    return bad(context);
  };
  EXPECT_EQ(with([](auto& c) { c.tp.reset(); }),
            "the environment variable TP is not set; set it to an integer");
  EXPECT_EQ(with([](auto& c) { c.ep.reset(); }),
            "the environment variable EP_SIZE is not set; set it to an integer");
  EXPECT_EQ(with([](auto& c) { c.ep = ""; }), "EP_SIZE must be an integer, but is ''");
  EXPECT_EQ(with([](auto& c) { c.tp = "8.0"; }), "TP must be an integer, but is '8.0'");
  EXPECT_THAT(with([](auto& c) { c.tp = "0"; }),
              StartsWith("TP must be at least 1, because throughput is divided by it, but is '0'"));
  EXPECT_THAT(with([](auto& c) { c.decode_gpus = "0"; }),
              StartsWith("DECODE_GPUS must be at least 1, because throughput is divided by it, but is '0'"));
  EXPECT_THAT(with([](auto& c) { c.prefill_gpus = "x\n"; }),
              StartsWith("PREFILL_GPUS must be an integer, but is 'x\\n'"));
}

TEST(ProcessResult, ZeroTpotOmitsOnlyItsInteractivity) {
  const Json result = good(sample_context(), client_result("std_tpot_ms", "0.0"));
  EXPECT_EQ(result["std_tpot"], 0.0);
  EXPECT_FALSE(result.contains("std_intvty"));
  Json rest = good(sample_context());
  rest.erase("std_intvty");
  rest["std_tpot"] = 0.0;
  EXPECT_EQ(result.dump(), rest.dump());
}

TEST(ProcessResult, EveryKeyThatEndsInMsIsConverted) {
  const Json result =
      good(sample_context(), R"({"model_id": "m", "max_concurrency": "4", "total_token_throughput": 8,
      "output_throughput": 4, "items": 3, "params": "12.5", "p99_ms_ttft_ms": 7, "tp_ms": 4000, "note_ms": "x",
      "tpot": 4, "ms": true})");
  EXPECT_EQ(
      result.dump(),
      R"({"hw":"b200","tp":4.0,"ep":1,"dp_attention":"false","conc":4,"model":"m","framework":"sglang",)"
      R"("precision":"fp4","tput_per_gpu":1.0,"output_tput_per_gpu":0.5,"input_tput_per_gpu":0.5,)"
      R"("items":0.003,"params":0.0125,"p99_ttft":0.007,"intvty":250.0,"ms":0.001})");
}

TEST(ProcessResult, ErrorNamesTheInvalidKey) {
  for (const char* key : {"max_concurrency", "model_id", "total_token_throughput", "output_throughput"}) {
    EXPECT_THAT(bad(sample_context(), client_result(key, "")),
                StartsWith("the result has no '" + std::string(key) + "'"));
  }
  EXPECT_EQ(bad(sample_context(), client_result("max_concurrency", "null")),
            "the result has no 'max_concurrency'; add --max-concurrency \"$CONC\" to the client's command");
  EXPECT_EQ(bad(sample_context(), client_result("output_throughput", "[1]")),
            "'output_throughput' in the result must be a number, but is a list");
  EXPECT_EQ(bad(sample_context(), "[]"), "the result must be a JSON object, but is a list");
  EXPECT_THAT(bad(sample_context(), "{\"a\": "), StartsWith("the result is not valid JSON: "));
  EXPECT_EQ(good(sample_context(), client_result("max_concurrency", "16.9"))["conc"], 16);
}

TEST(ProcessResult, StandInIsMarked) {
  EXPECT_EQ(good(sample_context(), client_result("hardware", "\"cpu\""))["stand_in"], "cpu");
  EXPECT_EQ(good(sample_context(), client_result("simulated", "true"))["stand_in"], "simulated");
  EXPECT_EQ(good(sample_context(), client_result("simulated", "true"))["simulated"], true);
  EXPECT_FALSE(good(sample_context(), client_result("hardware", "\"cpu\"")).contains("simulated"));
  EXPECT_FALSE(good(sample_context()).contains("stand_in"));
  const auto stand_in_of = [](const char* text) { return stand_in(Json::parse(text)); };
  EXPECT_EQ(stand_in_of(R"({"hw": "CPU"})"), "cpu");
  EXPECT_EQ(stand_in_of(R"({"stand_in": "mock"})"), "mock");
  EXPECT_EQ(stand_in_of(R"({"stand_in": 1})"), "simulated");
  for (const char* none : {R"({"hw": "b200"})", R"({"simulated": false})", R"({"stand_in": ""})",
                           R"({"simulated": 0})", R"({"stand_in": null})", "[]", "3"}) {
    EXPECT_EQ(stand_in_of(none), std::nullopt) << none;
  }
}

TEST(StandInNote, NamesTheStandInsAndTheHardware) {
  const auto note_of = [](std::initializer_list<std::pair<const char*, const char*>> results) {
    std::vector<Document> documents;
    for (const auto& [hw, stand_in] : results) {
      documents.push_back(processed({.hw = hw}));
      if (*stand_in != '\0') documents.back().json["stand_in"] = stand_in;
    }
    const std::vector<Row> rows = rows_of(documents);
    std::vector<const Row*> pointers;
    for (const Row& row : rows)
      pointers.push_back(&row);
    return stand_in_note(pointers);
  };
  EXPECT_EQ(note_of({{"b200", ""}}), "");
  EXPECT_EQ(note_of({{"b200", "simulated"}}), "WARNING: 1 of 1 result is simulated, not measured on B200.\n");
  EXPECT_EQ(note_of({{"b200", "simulated"}, {"h200", "simulated"}, {"h100", ""}}),
            "WARNING: 2 of 3 results are simulated, not measured on B200, H200.\n");
  EXPECT_EQ(note_of({{"b200", "cpu"}, {"b200", "simulated"}}),
            "WARNING: 2 of 2 results are from a stand-in (cpu, simulated), not measured on B200.\n");
  EXPECT_EQ(note_of({{"cpu", ""}, {"b200", ""}}),
            "WARNING: 1 of 2 results are from a stand-in (cpu), not measured on GPUs.\n");
}

// ---- check_result

std::string error_of(const std::string& bytes) {
  const auto result = check_result(bytes);
  return result ? "" : result.error().message;
}

TEST(CheckResult, AcceptsAClientsResult) {
  const auto result = check_result(kClientResult);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ((*result)["completed"], 40);
  EXPECT_EQ((*result)["input_lens"].size(), 0u);
  EXPECT_EQ(error_of(client_result("median_tpot_ms", "0.0")), "")
      << "tpot is 0 if each response has one token";
}

TEST(CheckResult, ErrorNamesTheMissingKey) {
  for (const char* key : {"model_id", "total_token_throughput", "output_throughput"}) {
    const std::string message =
        "the result has no '" + std::string(key) +
        "'; it must have model_id, max_concurrency, total_token_throughput and output_throughput, as serving "
        "clients write them when they finish";
    EXPECT_EQ(error_of(client_result(key, "")), message);
    EXPECT_EQ(bad(sample_context(), client_result(key, "")), message);
  }
  for (const char* value : {"", "null"}) {
    const std::string message =
        "the result has no 'max_concurrency'; add --max-concurrency \"$CONC\" to the client's command";
    EXPECT_EQ(error_of(client_result("max_concurrency", value)), message);
    EXPECT_EQ(bad(sample_context(), client_result("max_concurrency", value)), message);
  }
}

// vLLM's client does not report e2el by default: the point is done, and the line names the option.
TEST(CheckResult, AcceptsWhatProcessResultAcceptsAndNamesMissingTimes) {
  for (const char* key :
       {"completed", "duration", "median_ttft_ms", "median_tpot_ms", "median_itl_ms", "median_e2el_ms"}) {
    for (const char* value : {"", "null"}) {
      const std::string bytes = client_result(key, value);
      const auto result = check_result(bytes);
      ASSERT_TRUE(result) << result.error().message;
      EXPECT_EQ(bad(sample_context(), bytes), "");
      const std::string note = missing_statistics(*result);
      if (std::string(key).starts_with("median_")) {
        EXPECT_THAT(note, StartsWith("the result has no " + std::string(key) + ", "));
        EXPECT_THAT(note, HasSubstr("--percentile-metrics ttft,tpot,itl,e2el"));
      } else {
        EXPECT_EQ(note, "");
      }
    }
  }
}

TEST(CheckResult, ErrorNamesTheInvalidKey) {
  EXPECT_EQ(error_of(client_result("model_id", "\"\"")),
            "'model_id' in the result must be the model's name, but is \"\"");
  EXPECT_EQ(error_of(client_result("model_id", "7")),
            "'model_id' in the result must be the model's name, but is 7");
  EXPECT_EQ(error_of(client_result("completed", "0")),
            "'completed' in the result must be at least 1, but is 0: no request completed");
  EXPECT_EQ(error_of(client_result("max_concurrency", "0")),
            "'max_concurrency' in the result must be at least 1, but is 0");
  EXPECT_EQ(error_of(client_result("completed", "1e30")),
            "'completed' in the result must be an integer, but is 1e+30");
  EXPECT_EQ(error_of(client_result("duration", "-1")),
            "'duration' in the result must be a finite number that is not negative, but is -1");
  EXPECT_EQ(error_of(client_result("median_itl_ms", "{}")),
            "'median_itl_ms' in the result must be a number, but is an object");
  std::string nan = client_result("median_e2el_ms", "12345");
  nan.replace(nan.find("12345"), 5, "NaN");
  EXPECT_THAT(
      error_of(nan),
      StartsWith("'median_e2el_ms' in the result must be a finite number that is not negative, but is NaN"));
}

TEST(CheckResult, RejectsArbitraryBytes) {
  for (const std::string& bytes : {std::string(), std::string("\0\xff", 2), std::string("null"),
                                   std::string("[1]"), std::string("{}"), std::string(100'000, '[')}) {
    EXPECT_NE(error_of(bytes), "");
  }
  for (std::size_t length = 0; length < kClientResult.size(); ++length) {
    const std::string message = error_of(kClientResult.substr(0, length));
    EXPECT_THAT(message, HasSubstr("not valid JSON"));
    EXPECT_EQ(message.find('\n'), std::string::npos);
  }
}

TEST(AggPath, PrefixesTheFileName) {
  EXPECT_EQ(agg_path("r"), "agg_r.json");
  EXPECT_EQ(agg_path("sub/dir/r"), "sub/dir/agg_r.json");
  EXPECT_EQ(agg_path("/r.1"), "/agg_r.1.json");
}

}  // namespace
}  // namespace sweep::report
