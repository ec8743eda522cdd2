// controller/matrix: concurrency series, and what the five subcommands select, compute and print.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "controller/matrix/inferencemax/concurrency.hpp"
#include "tests/unit/matrix_samples.hpp"
#include "util/json.hpp"

namespace sweep::matrix {
namespace {

using nlohmann::ordered_json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Returns the series; {-1} if it is rejected.
std::vector<std::int64_t> series(std::int64_t start, std::int64_t end, std::int64_t step) {
  const auto numbers = concurrencies({start, false}, {end, false}, step);
  if (!numbers) return {-1};
  std::vector<std::int64_t> out;
  for (const Number number : *numbers)
    out.push_back(number.value);
  return out;
}

TEST(Concurrency, MultipliesAndClampsTheOvershoot) {
  EXPECT_THAT(series(4, 100, 2), ElementsAre(4, 8, 16, 32, 64, 100));
  EXPECT_THAT(series(4, 64, 2), ElementsAre(4, 8, 16, 32, 64));
  EXPECT_THAT(series(4, 100, 1000), ElementsAre(4, 100));
  EXPECT_THAT(series(1, 27, 3), ElementsAre(1, 3, 9, 27));
  EXPECT_THAT(series(5, 5, 2), ElementsAre(5));
  EXPECT_THAT(series(5, 5, 1), ElementsAre(5)) << "start equals end: the step does not matter";
  EXPECT_THAT(series(0, 0, 0), ElementsAre(0));
  EXPECT_THAT(series(6, 5, 2), IsEmpty());
  EXPECT_THAT(series(1, 20, -2), ElementsAre(1, -2, 4, -8, 16, -32, 20));
}

TEST(Concurrency, RejectsEndlessSeries) {
  for (const auto& [start, end, step] : std::initializer_list<std::tuple<int, int, int>>{
           {4, 8, 1}, {4, 8, 0}, {0, 8, 2}, {0, 8, 1}, {4, 8, -1}, {-4, 8, 2}, {-4, 8, 1}, {-4, 8, 0}}) {
    EXPECT_THAT(series(start, end, step), ElementsAre(-1)) << start << ".." << end << " step " << step;
  }
  EXPECT_EQ(concurrencies({4, false}, {8, false}, 1).error().message,
            "concurrency 4..8 never reaches its end with step size 1: use a step size of 2 or more");
  EXPECT_THAT(concurrencies({0, false}, {8, false}, 2).error().message, HasSubstr("conc-start of 1 or more"));
}

TEST(Concurrency, NumbersNear64BitsDoNotOverflow) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  EXPECT_THAT(series(4, kMost, kMost), ElementsAre(4, kMost));
  EXPECT_EQ(series(1, kMost, 2).size(), 64u);
  EXPECT_THAT(series(-4, 8, kMost), ElementsAre(-1));
  EXPECT_THAT(series(-4, 8, -kMost), ElementsAre(-4, 8));
}

// ---- the bytes of the entries

class Subcommands : public MatrixCommand {
 protected:
  static std::vector<ordered_json> entries(const CommandOutput& output) {
    EXPECT_EQ(output.status, 0) << output.err;
    EXPECT_EQ(output.err, "");
    EXPECT_TRUE(output.out.ends_with("]\n"));
    std::vector<ordered_json> out;
    for (auto& entry : ordered_json::parse(output.out.empty() ? "[]" : output.out))
      out.push_back(entry);
    return out;
  }
  static std::vector<std::string> member(const CommandOutput& output, const char* key) {
    std::vector<std::string> out;
    for (const auto& entry : entries(output))
      out.push_back(entry.at(key).is_string() ? entry.at(key).get<std::string>() : entry.at(key).dump());
    return out;
  }
};

TEST_F(Subcommands, FullSweep) {
  const std::string head = R"({"image": "vllm/vllm-openai:v1", "model": "org/Model", "precision": "fp8", )"
                           R"("framework": "vllm", "runner": "h100", )";
  EXPECT_EQ(
      run_on(kSample, "full-sweep").out,
      "[" + head +
          R"("isl": 1024, "osl": 1024, "tp": 4, "conc": 4, "max-model-len": 2248, "ep": 1, "dp-attn": false, "exp-name": "m_1k1k"}, )" +
          head +
          R"("isl": 1024, "osl": 1024, "tp": 4, "conc": 8, "max-model-len": 2248, "ep": 1, "dp-attn": false, "exp-name": "m_1k1k"}, )" +
          head +
          R"("isl": 1024, "osl": 1024, "tp": 4, "conc": 16, "max-model-len": 2248, "ep": 1, "dp-attn": false, "exp-name": "m_1k1k"}, )" +
          head +
          R"("isl": 1024, "osl": 1024, "tp": 8, "conc": 8, "max-model-len": 2248, "ep": 2, "dp-attn": true, "exp-name": "m_1k1k"}, )" +
          head +
          R"("isl": 8192, "osl": 512, "tp": 2, "conc": 2, "max-model-len": 8904, "ep": 1, "dp-attn": false, "exp-name": "m_8192_512"}])" +
          "\n");
}

TEST_F(Subcommands, FullSweepInTestMode) {
  const auto output = run_on(kSample, "full-sweep", {"--test-mode"});
  ASSERT_EQ(entries(output).size(), 2u) << "one for each pair of lengths";
  EXPECT_EQ(entries(output)[0].dump(),
            R"({"image":"vllm/vllm-openai:v1","model":"org/Model","precision":"fp8","framework":"vllm",)"
            R"("runner":"h100","isl":1024,"osl":1024,"tp":8,"ep":2,"dp-attn":true,"conc":8,)"
            R"("max-model-len":2248,"exp-name":"m_1k1k"})");
  // Of several elements with the highest tp, the first is used.
  const std::string tie = changed("tp: 4, conc-start: 4", "tp: 8, conc-start: 5");
  EXPECT_THAT(member(run_on(tie, "full-sweep", {"--test-mode"}), "conc"), ElementsAre("5", "2"));
}

TEST_F(Subcommands, TestConfig) {
  const auto output = run_with_runners(kSample, "test-config", {"--key", "m-fp8-h100-vllm"});
  ASSERT_EQ(entries(output).size(), 5u);
  EXPECT_EQ(entries(output)[3].dump(),
            R"({"image":"vllm/vllm-openai:v1","model":"org/Model","precision":"fp8","framework":"vllm",)"
            R"("runner":"h100","isl":1024,"osl":1024,"tp":8,"ep":2,"dp-attn":true,"conc":8,)"
            R"("max-model-len":2048,"exp-name":"m_1k1k"})");
  EXPECT_EQ(entries(output)[4]["exp-name"], "m_8192_512");
  EXPECT_EQ(entries(output)[4]["max-model-len"], 8704);
}

TEST_F(Subcommands, TestConfigChoosesElementsNodesAndLengths) {
  const std::vector<std::string> key = {"--key", "m-fp8-h100-vllm"};
  const auto with = [&](std::vector<std::string> args) {
    args.insert(args.end(), key.begin(), key.end());
    return run_with_runners(kSample, "test-config", args);
  };
  EXPECT_THAT(member(with({"--test-mode"}), "conc"), ElementsAre("4", "8", "2"))
      << "every element gives one point";
  EXPECT_THAT(member(with({"--test-mode"}), "exp-name"), ElementsAre("m_test", "m_test", "m_test"));
  EXPECT_THAT(member(with({"--seq-lens", "1k1k"}), "conc"), ElementsAre("4", "8", "16", "8"));
  EXPECT_EQ(with({"--seq-lens", "1k8k"}).out, "[]\n");
  EXPECT_EQ(with({"--seq-lens", "1k8k"}).status, 0);
  EXPECT_THAT(member(with({"--runner-node", "h100-b_1", "--seq-lens", "1k1k", "--step-size", "4"}), "runner"),
              ElementsAre("h100-b_1", "h100-b_1", "h100-b_1"));
  EXPECT_EQ(
      message_of(with({"--runner-node", "h200-a_0"}), "test-config"),
      "Runner node 'h200-a_0' is not compatible with config 'm-fp8-h100-vllm' which runs on runner type "
      "'h100'. Available runner nodes for this config are 'h100-a_0, h100-b_1'.");
  EXPECT_EQ(message_of(run_with_runners(kSample, "test-config", {"--key", "x"}), "test-config"),
            "Specified key 'x' does not exist in config files.");
}

TEST_F(Subcommands, RunnerModelSweep) {
  const auto output = run_with_runners(kSample, "runner-model-sweep", {"--runner-type", "h100"});
  EXPECT_THAT(member(output, "runner"), ElementsAre("h100-a_0", "h100-b_1"));
  EXPECT_EQ(entries(output)[1].dump(),
            R"({"image":"vllm/vllm-openai:v1","model":"org/Model","precision":"fp8","framework":"vllm",)"
            R"("runner":"h100-b_1","isl":1024,"osl":1024,"tp":8,"ep":2,"dp-attn":true,"conc":8,)"
            R"("max-model-len":2048,"exp-name":"m_test"})");
  EXPECT_EQ(run_with_runners(kSample, "runner-model-sweep", {"--runner-type", "h200"}).out, "[]\n");
  EXPECT_THAT(message_of(run_with_runners(changed("- isl: 1024", "- isl: 512"), "runner-model-sweep",
                                          {"--runner-type", "h100"}),
                         "runner-model-sweep"),
              HasSubstr("Key 'm-fp8-h100-vllm' has no seq-len-config with isl 1024 and osl 1024"));
}

TEST_F(Subcommands, RunnerSweep) {
  const std::vector<std::string> args = {"--runner-type", "h100", "--model-prefix", "m-"};
  const auto output = run_with_runners(kSample, "runner-sweep", args);
  ASSERT_EQ(entries(output).size(), 2u);
  EXPECT_EQ(entries(output)[0].dump(),
            R"({"image":"vllm/vllm-openai:v1","model":"org/Model","precision":"fp8","framework":"vllm",)"
            R"("runner":"h100-a_0","isl":1024,"osl":1024,"tp":8,"ep":2,"dp-attn":true,"conc":8,)"
            R"("exp-name":"m_test","max-model-len":2048})");
  const auto error_of = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"--runner-type", "h100", "--model-prefix", "p"});
    return message_of(run_with_runners(kSample, "runner-sweep", more), "runner-sweep");
  };
  EXPECT_EQ(error_of({}), "No configs found matching model prefix 'p'.");
  EXPECT_EQ(error_of({"--precision", "fp4", "--framework", "trt"}),
            "No configs found matching model prefix 'p', precision 'fp4', framework 'trt'.");
}

TEST_F(Subcommands, Custom) {
  const auto with = [&](const std::string& label) {
    return run_with_runners(kSample, "custom",
                            {"--runner-label", label, "--image", "i", "--model", "org/M", "--framework",
                             "trt", "--precision", "fp4", "--exp-name", "mine"});
  };
  EXPECT_EQ(
      with("h200-a_0").out,
      R"([{"image": "i", "model": "org/M", "precision": "fp4", "framework": "trt", "runner": "h200-a_0", )"
      R"("isl": 1024, "osl": 1024, "tp": 8, "ep": 1, "dp-attn": false, "conc": 4, "exp-name": "mine", )"
      "\"max-model-len\": 2048}]\n");
  EXPECT_EQ(with("h200").status, 0) << "a runner type is a valid label";
  EXPECT_EQ(message_of(with("h3"), "custom"), "Unable to find specified runner label 'h3'.");
}

// ---- filters and their messages

TEST_F(Subcommands, FiltersMatchExactlyExceptTheKeyPrefix) {
  const std::string other =
      changed("m-fp8-h100-vllm:", "n-fp8-h100-vllm:", changed("precision: fp8", "precision: fp4"));
  const std::string yaml = kSample + changed("runner: h100", "runner: h200", other);
  const auto count = [&](const std::vector<std::string>& args) {
    return entries(run_with_runners(yaml, "full-sweep", args)).size();
  };
  EXPECT_EQ(count({}), 10u);
  EXPECT_EQ(count({"--model-prefix", "m-fp"}), 5u);
  EXPECT_EQ(count({"--model-prefix", "x", "n"}), 5u);
  EXPECT_EQ(count({"--model-prefix", ""}), 10u);
  EXPECT_EQ(count({"--precision", "fp4"}), 5u);
  EXPECT_EQ(count({"--framework", "vllm", "trt"}), 10u);
  EXPECT_EQ(count({"--runner-type", "h200"}), 5u);
  EXPECT_EQ(count({"--seq-lens", "1k1k", "--precision", "fp8"}), 4u);
  EXPECT_EQ(count({"--step-size", "100", "--seq-lens", "1k1k"}), 6u);
  const auto error_of = [&](const std::vector<std::string>& args) {
    return message_of(run_with_runners(yaml, "full-sweep", args), "full-sweep");
  };
  EXPECT_EQ(error_of({"--model-prefix", "M", "q'"}),
            "No configs found matching filters: model-prefix=['M', \"q'\"]");
  EXPECT_EQ(error_of({"--seq-lens", "1k8k", "--precision", "fp", "--framework", "vll", "--model-prefix", "m",
                      "--runner-type", "h100"}),
            "No configs found matching filters: model-prefix=['m'] precision=['fp'] framework=['vll'] "
            "runner-type=['h100'] seq-lens=['1k8k']");
  EXPECT_EQ(error_of({"--runner-type", "h3", "h100", "a"}),
            "Invalid runner type(s): {'a', 'h3'}. Valid runner types are: empty, h100, h200, odd");
}

TEST_F(Subcommands, EmptyFileIsReportedAsNoMatch) {
  EXPECT_EQ(message_of(run_on("{}", "full-sweep"), "full-sweep"), "No configs found matching filters:");
}

TEST_F(Subcommands, EndlessRangeErrorNamesItsElement) {
  EXPECT_EQ(
      message_of(run_on(kSample, "full-sweep", {"--step-size", "1"}), "full-sweep"),
      "search-space[0] of seq-len-config[0] for key 'm-fp8-h100-vllm': concurrency 4..16 never reaches its end "
      "with step size 1: use a step size of 2 or more");
}

TEST_F(Subcommands, OrderIsFileKeyBlockElementConcurrency) {
  const std::string first = put("z.yaml", changed("m-fp8-h100-vllm:", "z-a:", kSample));
  const std::string second = put("a.yaml", changed("  model: org/Model", "  model: second"));
  const auto models = member(run({"full-sweep", "--config-files", first, second, "--test-mode"}), "model");
  EXPECT_THAT(models, ElementsAre("org/Model", "org/Model", "second", "second"));
}

// ---- runner files

TEST_F(Subcommands, RunnerFileIsOpenedOnlyIfNeeded) {
  EXPECT_EQ(run_on(kSample, "full-sweep", {"--runner-config", "/nowhere"}).status, 0);
  EXPECT_EQ(message_of(run_on(kSample, "full-sweep", {"--runner-type", "h100"}), "full-sweep"),
            "--runner-config is required when --runner-type is specified");
  EXPECT_EQ(
      message_of(run_on(kSample, "full-sweep", {"--runner-type", "h100", "--runner-config", "/nowhere"}),
                 "full-sweep"),
      "Runner config file '/nowhere' does not exist.");
}

TEST_F(Subcommands, RejectsRunnerTypeWithoutNodes) {
  const std::string file = path("runners.yaml");
  for (const std::string type : {"h3", "empty"}) {
    EXPECT_EQ(message_of(run_with_runners(kSample, "runner-model-sweep", {"--runner-type", type}),
                         "runner-model-sweep"),
              "Runner '" + type + "' does not exist in runner config '" + file +
                  "'. Must choose from existing runner types: 'h100, h200, odd, empty'.");
  }
}

TEST_F(Subcommands, RejectsRunnerFileOfWrongTypes) {
  const std::string file = put("odd.yaml", "h100: [h100-a_0, 7]\nh200: 3\n");
  const auto run_type = [&](const std::string& type, const std::string& yaml) {
    return run_on(yaml, "runner-model-sweep", {"--runner-type", type, "--runner-config", file});
  };
  const auto error_of = [&](const std::string& type) {
    return message_of(run_type(type, changed("runner: h100", "runner: " + type)), "runner-model-sweep");
  };
  EXPECT_THAT(error_of("h100"), HasSubstr("the nodes of runner type 'h100' must be a list of str, got int"));
  EXPECT_THAT(error_of("h200"), HasSubstr("the nodes of runner type 'h200' must be a list of str, got int"));
  EXPECT_EQ(run_type("h200", kSample).out, "[]\n") << "no entry uses its nodes";
  for (const char* nothing : {"~", "0", "no", "[]", "{}", "''"}) {
    put("odd.yaml", "h200: " + std::string(nothing) + "\n");
    EXPECT_THAT(error_of("h200"), HasSubstr("Runner 'h200' does not exist in runner config")) << nothing;
  }
  put("odd.yaml", "h200: 3\n");
  EXPECT_EQ(message_of(run_on(kSample, "runner-sweep",
                              {"--runner-type", "h200", "--model-prefix", "m", "--runner-config", file}),
                       "runner-sweep"),
            "No configs found matching model prefix 'm'.");
  put("odd.yaml", "- a\n");
  EXPECT_THAT(error_of("h100"), HasSubstr("must contain a dictionary"));
}

TEST_F(Subcommands, KeysOfAMappingAreNodes) {
  const std::string file = put("odd.yaml", "h100: {h100-a_0: {gpus: 8}, h100-b_1: ~}\n");
  const auto every =
      run_on(kSample, "runner-model-sweep", {"--runner-type", "h100", "--runner-config", file});
  EXPECT_THAT(member(every, "runner"), ElementsAre("h100-a_0", "h100-b_1"));
  const auto one = run_on(kSample, "test-config",
                          {"--key", "m-fp8-h100-vllm", "--runner-node", "h100-b_1", "--seq-lens", "1k1k",
                           "--test-mode", "--runner-config", file});
  EXPECT_THAT(member(one, "runner"), ElementsAre("h100-b_1", "h100-b_1"));
}

TEST_F(Subcommands, TextInsteadOfNodesIsReadAsPythonDoes) {
  const auto output =
      run_with_runners(changed("runner: h100", "runner: odd"), "test-config",
                       {"--key", "m-fp8-h100-vllm", "--runner-node", "ett", "--seq-lens", "1k1k"});
  EXPECT_THAT(member(output, "runner"), ElementsAre("ett", "ett", "ett", "ett"));
}

}  // namespace
}  // namespace sweep::matrix
