// controller/matrix/command and json_line: exit statuses, files and the output of `sweepctl matrix`.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/matrix/json_line.hpp"
#include "tests/unit/matrix_samples.hpp"
#include "util/json.hpp"

namespace sweep::matrix {
namespace {

using nlohmann::ordered_json;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

TEST_F(MatrixCommand, UsageErrorExitsWithStatus2) {
  const auto last_line = [](const CommandOutput& output) {
    EXPECT_EQ(output.status, 2);
    EXPECT_EQ(output.out, "");
    EXPECT_THAT(output.err, StartsWith("usage: sweepctl matrix"));
    const std::size_t at = output.err.rfind('\n', output.err.size() - 2);
    return output.err.substr(at + 1);
  };
  EXPECT_EQ(last_line(run({})), "sweepctl matrix: error: the following arguments are required: command\n");
  EXPECT_THAT(last_line(run({"full-swep"})),
              HasSubstr("invalid choice: 'full-swep' (choose from full-sweep, test-config, "
                        "runner-model-sweep, runner-sweep, custom): did you mean full-sweep?"));
  EXPECT_THAT(last_line(run({"--test-mode"})), HasSubstr("unrecognized arguments: --test-mode"));
  EXPECT_EQ(last_line(run({"full-sweep"})),
            "sweepctl matrix full-sweep: error: the following arguments are required: --config-files\n");
  EXPECT_THAT(
      last_line(run({"custom", "--config-files", "f"})),
      EndsWith("--runner-label, --image, --model, --framework, --precision, --exp-name, --runner-config\n"));
  EXPECT_THAT(last_line(run({"full-sweep", "--x\n\x1b[2Jy"})), HasSubstr("--x\\n?[2Jy"))
      << "control characters are replaced";
}

TEST_F(MatrixCommand, HelpIsPrintedAndExitsWithStatus0) {
  for (const std::vector<std::string>& args :
       {std::vector<std::string>{"-h"}, {"--help"}, {"--h"}, {"full-sweep", "-h"}, {"custom", "--help"}}) {
    const auto output = run(args);
    EXPECT_EQ(output.status, 0);
    EXPECT_EQ(output.err, "");
    EXPECT_THAT(output.out, StartsWith("usage: sweepctl matrix"));
  }
}

TEST_F(MatrixCommand, FirstInvalidFileIsReported) {
  const std::string good = put("good.yaml", kSample);
  const std::string list = put("list.yaml", "- a\n");
  const std::string missing = path("missing.yaml");
  const auto error_of = [&](const std::vector<std::string>& files) {
    std::vector<std::string> args = {"full-sweep", "--config-files"};
    args.insert(args.end(), files.begin(), files.end());
    return message_of(run(args), "full-sweep");
  };
  EXPECT_EQ(error_of({good, missing, list}), "Input file '" + missing + "' does not exist.");
  EXPECT_EQ(error_of({good, list, missing}), "Config file '" + list + "' must contain a dictionary");
  EXPECT_EQ(error_of({good, good}), "Duplicate configuration keys found in '" + good + "': m-fp8-h100-vllm");
  EXPECT_THAT(error_of({folder_}), HasSubstr(folder_)) << "a folder is not a file";
}

TEST_F(MatrixCommand, EveryEntryIsCheckedBeforeTheSubcommandRuns) {
  const std::string second =
      changed("m-fp8-h100-vllm:", "other:", changed("  image: vllm/vllm-openai:v1\n", ""));
  const std::string message = path("f.yaml") + ":18: Missing required field 'image' for key 'other'";
  EXPECT_EQ(message_of(run_on(kSample + second, "full-sweep", {"--model-prefix", "m"}), "full-sweep"),
            message);
  EXPECT_EQ(message_of(run_on(kSample + second, "test-config", {"--key", "x", "--runner-config", "/nowhere"}),
                       "test-config"),
            message)
      << "even before the runner file is opened";
}

TEST_F(MatrixCommand, MessageIsOnePrintableLine) {
  const auto output = run_on("\"a\\nb\\e[2J\":\n  model: m\n", "full-sweep");
  EXPECT_EQ(message_of(output, "full-sweep"),
            path("f.yaml") + ":1: Missing required field 'image' for key 'a\\nb?[2J'");
}

TEST_F(MatrixCommand, EntriesHaveTheBytesOfPythonsJson) {
  const auto output = run_on(changed("org/Model", "\"caf\\u00e9 \\U0001F600 \\\" \\\\ \\t/\""), "full-sweep");
  EXPECT_THAT(output.out, HasSubstr(R"("model": "caf\u00e9 \ud83d\ude00 \" \\ \t/", )"));
  EXPECT_THAT(run_on(changed("- isl: 1024", "- isl: yes"), "full-sweep").out,
              HasSubstr(R"("isl": true, "osl": 1024, "tp": 4, "conc": 4, "max-model-len": 1225, )"));
}

TEST(JsonLine, SeparatesAndEscapesLikeJsonDumps) {
  EXPECT_EQ(json_line({}), "[]");
  const std::vector<ordered_json> entries = {ordered_json{{"b", 1}, {"a", true}},
                                             ordered_json{{"t", "é\x7f\x01\n\"\\/"}}};
  EXPECT_EQ(json_line(entries), "[{\"b\": 1, \"a\": true}, {\"t\": \"\\u00e9\\u007f\\u0001\\n\\\"\\\\/\"}]");
  const std::vector<ordered_json> odd = {ordered_json{{"k", -7}, {"ü", "\xff"}, {"f", false}}};
  EXPECT_EQ(json_line(odd), R"([{"k": -7, "\u00fc": "\ufffd", "f": false}])");
}

}  // namespace
}  // namespace sweep::matrix
