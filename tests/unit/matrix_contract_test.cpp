// Tests controller/matrix as a whole, from files to the line of JSON, against sections 1 and 2 of the
// contract. The other matrix_*_test.cpp test its parts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/matrix/subcommands.hpp"
#include "tests/unit/matrix_samples.hpp"
#include "util/json.hpp"

namespace sweep::matrix {
namespace {

using nlohmann::ordered_json;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;
using testing::UnorderedElementsAre;

const std::string kForKey = " for key 'm-fp8-h100-vllm'";
constexpr const char* kSecondElement = "{ tp: 8, conc-start: 8, conc-end: 8, ep: 2, dp-attn: true }";

// Returns kSample under another key and with the given replacements.
std::string entry(const std::string& key,
                  const std::vector<std::pair<std::string, std::string>>& changes = {}) {
  std::string text = changed("m-fp8-h100-vllm:", key + ":");
  for (const auto& [from, to] : changes)
    text = changed(from, to, text);
  return text;
}

// Returns kSample with other seq-len-configs: `blocks` are lines of YAML.
std::string with_blocks(const std::string& blocks) {
  return kSample.substr(0, kSample.find("  - isl: 1024")) + blocks;
}

class MatrixContract : public MatrixCommand {
 protected:
  static ordered_json entries(const CommandOutput& output) {
    EXPECT_EQ(output.status, 0) << output.err;
    return ordered_json::parse(output.out.empty() ? "[]" : output.out);
  }
  // Returns one member of each entry: a text as it is, another value as JSON.
  static std::vector<std::string> all(const CommandOutput& output, const char* key) {
    std::vector<std::string> out;
    for (const auto& item : entries(output))
      out.push_back(item.at(key).is_string() ? item.at(key).get<std::string>() : item.at(key).dump());
    return out;
  }
  // Runs the subcommand with --config-files and --runner-config added to `args`, and returns its error
  // message.
  std::string error(const std::string& yaml, const std::string& subcommand,
                    const std::vector<std::string>& args) const {
    return message_of(run_with_runners(yaml, subcommand, args), subcommand);
  }
};

// ---- section 1: loading

TEST_F(MatrixContract, ReadsScalarsAnchorsMergesAndAByteOrderMark) {
  const std::string yaml =
      "\xef\xbb\xbf"
      "a: &base\n  image: i\n  model: m\n  model-prefix: p\n  precision: fp8\n  framework: vllm\n"
      "  runner: h100\n  seq-len-configs:\n  - isl: 0x400\n    osl: 1_024\n    search-space:\n"
      "    - { tp: 010, conc-start: 0b100, conc-end: 1:0, dp-attn: on }\n"
      "b:\n  <<: *base\n  model: other\n";
  const auto output = run_on(yaml, "full-sweep", {"--step-size", "100"});
  EXPECT_THAT(all(output, "model"), ElementsAre("m", "m", "other", "other"));
  EXPECT_EQ(entries(output)[3].dump(),
            R"({"image":"i","model":"other","precision":"fp8","framework":"vllm","runner":"h100",)"
            R"("isl":1024,"osl":1024,"tp":8,"conc":60,"max-model-len":2248,"ep":1,"dp-attn":true,)"
            R"("exp-name":"p_1k1k"})");
}

TEST_F(MatrixContract, DuplicateKeyKeepsFirstPositionAndLastValue) {
  const std::string yaml = entry("a") + entry("b", {{"org/Model", "b"}}) + entry("a", {{"org/Model", "a2"}});
  EXPECT_THAT(all(run_on(yaml, "full-sweep", {"--seq-lens", "1k1k", "--test-mode"}), "model"),
              ElementsAre("a2", "b"));
}

TEST_F(MatrixContract, RejectsSeveralDocumentsInAFile) {
  EXPECT_THAT(message_of(run_on(kSample + "---\n" + entry("b"), "full-sweep"), "full-sweep"),
              StartsWith("Config file '" + path("f.yaml") + "': line "));
}

// ---- section 1: validation

TEST(ContractValidation, NullCountsAsAbsent) {
  EXPECT_EQ(error_in(with_blocks("    ~\n")), "Missing required field 'seq-len-configs'" + kForKey);
  const std::string block = " in seq-len-config[1]" + kForKey;
  EXPECT_EQ(error_in(changed("isl: 8192", "isl: ~")), "Missing 'isl'" + block);
  EXPECT_EQ(error_in(changed("osl: 512", "osl: null")), "Missing 'osl'" + block);
  const std::string element = " in search-space[1] of seq-len-config[0]" + kForKey;
  EXPECT_EQ(error_in(changed(kSecondElement, "{ tp: ~, conc-start: 8, conc-end: 8 }")),
            "Missing 'tp'" + element);
  EXPECT_EQ(error_in(changed(kSecondElement, "{ tp: 8, conc-start: ~, conc-end: 8 }")),
            "Missing 'conc-start'" + element);
}

TEST(ContractValidation, WrongTypeOfSeqLenConfigsIsNamed) {
  for (const auto& [value, type] :
       std::initializer_list<std::pair<std::string, std::string>>{{"text", "str"},
                                                                  {"8", "int"},
                                                                  {"1.5", "float"},
                                                                  {"no", "bool"},
                                                                  {"2025-11-01", "date"},
                                                                  {"{a: b}", "dict"}}) {
    EXPECT_EQ(error_in(with_blocks("    " + value + "\n")),
              "Field 'seq-len-configs' must be list" + kForKey + ", got " + type);
  }
}

TEST(ContractValidation, RejectsTextInsteadOfIntOrBool) {
  EXPECT_EQ(error_in(changed("isl: 8192", "isl: '8192'")),
            "'isl' must be int in seq-len-config[1]" + kForKey);
  const std::string element = " in search-space[1] of seq-len-config[0]" + kForKey;
  EXPECT_EQ(error_in(changed("dp-attn: true", "dp-attn: 'true'")), "'dp-attn' must be bool" + element);
  EXPECT_EQ(error_in(changed("ep: 2", "ep: 2.0")), "'ep' must be int" + element);
  EXPECT_EQ(error_in(changed("tp: 4, conc-start: 4", "tp: yes, conc-start: yes")), "")
      << "but a bool is an int, as in Python";
}

TEST(ContractValidation, ChecksElementsThenBlocksThenEntries) {
  const std::string bad_element = changed("dp-attn: true", "dp-attn: 1");
  const std::string message = "'dp-attn' must be bool in search-space[1] of seq-len-config[0]" + kForKey;
  EXPECT_EQ(error_in(changed("  - isl: 8192", "  - isl: x", bad_element)), message);
  EXPECT_EQ(error_in(bad_element + "other: {}\n"), message);
  EXPECT_EQ(error_in("other: {}\n" + bad_element), "Missing required field 'image' for key 'other'");
  EXPECT_EQ(error_in(changed("{ tp: 4,", "{ colour: 1,", bad_element)),
            "Extra fields {'colour'} in search-space[0] of seq-len-config[0]" + kForKey);
}

TEST_F(MatrixContract, EverySubcommandChecksEveryEntryFirst) {
  const std::string yaml = kSample + "zz: {}\n";
  const std::vector<std::vector<std::string>> calls = {
      {"full-sweep", "--runner-type", "none"},
      {"test-config", "--key", "none"},
      {"runner-model-sweep", "--runner-type", "none"},
      {"runner-sweep", "--runner-type", "none", "--model-prefix", "none"},
      {"custom", "--runner-label", "none", "--image", "i", "--model", "m", "--framework", "f", "--precision",
       "p", "--exp-name", "e"}};
  for (const auto& call : calls) {
    std::vector<std::string> args(call.begin() + 1, call.end());
    args.insert(args.end(), {"--runner-config", "/nowhere"});
    EXPECT_EQ(message_of(run_on(yaml, call[0], args), call[0]),
              path("f.yaml") + ":18: Missing required field 'image' for key 'zz'");
    EXPECT_EQ(message_of(run_on(kSample, call[0], args), call[0]),
              "Runner config file '/nowhere' does not exist.")
        << "the runner file is opened after that";
  }
}

// ---- section 2: options

// Returns the required or the optional options of a subcommand, except --config-files: names without dashes,
// with a + if they take several values.
std::vector<std::string> options_of(const CommandSpec& command, bool required) {
  std::vector<std::string> out;
  for (const OptionSpec& option : command.options) {
    if (option.required != required || option.name == "--config-files") continue;
    out.push_back(option.name.substr(2) + (option.arity == Arity::Many ? "+" : ""));
  }
  return out;
}

TEST(ContractOptions, EachSubcommandHasTheContractsOptions) {
  std::vector<CommandSpec> commands;
  for (const CommandSpec& command : subcommands())
    commands.push_back(for_generation(command, Generation::InferenceMax));
  ASSERT_EQ(commands.size(), 5u);
  const auto required = [&](std::size_t at) { return options_of(commands[at], true); };
  const auto optional = [&](std::size_t at) { return options_of(commands[at], false); };
  EXPECT_THAT(required(0), IsEmpty());
  EXPECT_THAT(optional(0), UnorderedElementsAre("model-prefix+", "precision+", "framework+", "runner-type+",
                                                "runner-config", "seq-lens+", "step-size", "test-mode",
                                                "repeat"));  // repeat is an addition to the contract
  EXPECT_THAT(required(1), UnorderedElementsAre("runner-config", "key"));
  EXPECT_THAT(optional(1), UnorderedElementsAre("runner-node", "seq-lens+", "step-size", "test-mode"));
  EXPECT_THAT(required(2), UnorderedElementsAre("runner-type", "runner-config"));
  EXPECT_THAT(optional(2), IsEmpty());
  EXPECT_THAT(required(3), UnorderedElementsAre("runner-type", "model-prefix", "runner-config"));
  EXPECT_THAT(optional(3), UnorderedElementsAre("precision", "framework"));
  EXPECT_THAT(required(4), UnorderedElementsAre("runner-label", "image", "model", "framework", "precision",
                                                "exp-name", "runner-config"));
  EXPECT_THAT(optional(4), IsEmpty());
}

TEST(ContractOptions, FilesOfInferenceXHaveTwoSubcommandsWithTheirOwnOptions) {
  EXPECT_THAT(command_names(Generation::InferenceX), ElementsAre("full-sweep", "test-config"));
  const CommandSpec full = for_generation(subcommands()[0], Generation::InferenceX);
  const CommandSpec test = for_generation(subcommands()[1], Generation::InferenceX);
  EXPECT_THAT(options_of(full, true), IsEmpty());
  EXPECT_THAT(options_of(full, false),
              UnorderedElementsAre("runner-config", "no-evals", "evals-only", "all-evals",
                                   "runner-node-filter", "scenario-type+", "model-prefix+", "precision+",
                                   "framework+", "runner-type+", "seq-lens+", "step-size", "min-conc",
                                   "max-conc", "max-tp", "max-ep", "single-node", "multi-node",
                                   "repeat"));  // repeat is an addition to the contract
  EXPECT_THAT(options_of(test, true), UnorderedElementsAre("config-keys+"));
  EXPECT_THAT(options_of(test, false),
              UnorderedElementsAre("runner-config", "no-evals", "evals-only", "all-evals",
                                   "runner-node-filter", "scenario-type+", "seq-lens+", "conc+"));
}

TEST_F(MatrixContract, MissingRequiredOptionExitsWithStatus2BeforeAnyFileIsOpened) {
  const auto missing = [](std::vector<std::string> args) {
    args.insert(args.begin() + 1, {"--config-files", "/nowhere"});
    const auto output = run(args);
    EXPECT_EQ(output.status, 2);
    EXPECT_EQ(output.out, "");
    const std::size_t at = output.err.find("the following arguments are required: ");
    return at == std::string::npos ? output.err : output.err.substr(at + 38);
  };
  EXPECT_EQ(missing({"test-config", "--key", "k"}), "--runner-config\n");
  EXPECT_EQ(missing({"test-config", "--runner-config", "r"}),
            "--key; for files of InferenceX: the following arguments are required: --config-keys\n")
      << "no file says which of the two";
  EXPECT_EQ(missing({"runner-model-sweep", "--runner-type", "t"}), "--runner-config\n");
  EXPECT_EQ(missing({"runner-sweep", "--runner-type", "t", "--runner-config", "r"}), "--model-prefix\n");
  EXPECT_EQ(missing({"runner-sweep", "--model-prefix", "t", "--runner-config", "r"}), "--runner-type\n");
}

TEST_F(MatrixContract, OptionOfAnotherSubcommandIsAUsageError) {
  const auto unrecognized = [&](const std::string& subcommand, const std::vector<std::string>& args) {
    const auto output = run_with_runners(kSample, subcommand, args);
    EXPECT_EQ(output.status, 2) << output.out;
    const std::size_t at = output.err.find("unrecognized arguments: ");
    return at == std::string::npos ? output.err : output.err.substr(at + 24);
  };
  const std::string type = "--runner-type";
  EXPECT_THAT(unrecognized("runner-model-sweep", {type, "h100", "--model-prefix", "m"}),
              StartsWith("--model-prefix m"));
  EXPECT_THAT(unrecognized("runner-sweep", {type, "h100", "--model-prefix", "m", "--test-mode"}),
              StartsWith("--test-mode"));
  EXPECT_THAT(unrecognized("test-config", {"--key", "k", "--precision", "fp8"}),
              StartsWith("--precision fp8"));
  EXPECT_THAT(unrecognized("runner-sweep", {type, "h100", "--model-prefix", "m", "n"}), StartsWith("n"))
      << "--model-prefix takes one value here";
}

TEST_F(MatrixContract, OptionsMayBeAbbreviatedAndTheLastOneWins) {
  const std::string a = put("a.yaml", entry("a")), b = put("b.yaml", entry("b", {{"org/Model", "b"}}));
  const auto models = all(
      run({"full-sweep", "--config-f", a, "--config-files", b, "--seq", "8k1k", "--seq-l", "1k1k", "--test"}),
      "model");
  EXPECT_THAT(models, ElementsAre("b"));
  EXPECT_EQ(run_on(kSample, "full-sweep", {"--runner", "x"}).status, 2) << "ambiguous";
  EXPECT_EQ(entries(run_with_runners(kSample, "runner-sweep", {"--runner-t", "h100", "--model", "m"})).size(),
            2u);
}

TEST_F(MatrixContract, OnlyNamedLengthsAreAbbreviated) {
  std::string blocks;
  for (const char* lengths : {"isl: 1024, osl: 1024", "isl: 1024, osl: 8192", "isl: 8192, osl: 1024",
                              "isl: 8192, osl: 8192", "isl: 1024, osl: 1023"}) {
    blocks += "  - { " + std::string(lengths) + ", search-space: [{ tp: 1, conc-start: 1, conc-end: 1 }] }\n";
  }
  const std::string yaml = with_blocks(blocks);
  EXPECT_THAT(all(run_on(yaml, "full-sweep"), "exp-name"),
              ElementsAre("m_1k1k", "m_1k8k", "m_8k1k", "m_8192_8192", "m_1024_1023"));
  EXPECT_THAT(all(run_on(yaml, "full-sweep", {"--seq-lens", "8k1k", "1k8k"}), "exp-name"),
              ElementsAre("m_1k8k", "m_8k1k"))
      << "in the file's order";
  EXPECT_THAT(all(run_on(yaml, "full-sweep"), "max-model-len"),
              ElementsAre("2248", "9416", "9416", "16584", "2247"));
  EXPECT_THAT(all(run_with_runners(yaml, "test-config", {"--key", "m-fp8-h100-vllm"}), "max-model-len"),
              ElementsAre("2048", "9216", "9216", "16384", "2047"));
}

// ---- section 2: concurrency, ep and dp-attn

TEST_F(MatrixContract, ConcurrencyRangesAreTheContracts) {
  const auto conc = [&](const std::string& range, const std::vector<std::string>& more) {
    const std::string yaml =
        with_blocks("  - { isl: 1024, osl: 1024, search-space: [{ tp: 1, " + range + " }] }\n");
    std::vector<std::string> args = more;
    args.insert(args.end(), {"--key", "m-fp8-h100-vllm"});
    const auto of_key = all(run_with_runners(yaml, "test-config", args), "conc");
    EXPECT_EQ(of_key, all(run_on(yaml, "full-sweep", more), "conc"));
    return of_key;
  };
  const std::string wide = "conc-start: 4, conc-end: 100";
  EXPECT_THAT(conc(wide, {}), ElementsAre("4", "8", "16", "32", "64", "100"));
  EXPECT_THAT(conc(wide, {"--step-size", "1000"}), ElementsAre("4", "100"));
  EXPECT_THAT(conc("conc-start: 5, conc-end: 5", {}), ElementsAre("5"));
  EXPECT_THAT(conc("conc-start: 5, conc-end: 5", {"--step-size", "1"}), ElementsAre("5"));
}

TEST_F(MatrixContract, StartAboveEndGivesNoPoint) {
  const std::string yaml = changed("conc-start: 4, conc-end: 16", "conc-start: 16, conc-end: 4");
  EXPECT_THAT(all(run_on(yaml, "full-sweep", {"--seq-lens", "1k1k"}), "tp"), ElementsAre("8"));
  const std::string none =
      with_blocks("  - { isl: 1024, osl: 1024, search-space: [{ tp: 1, conc-start: 2, conc-end: 1 }] }\n");
  EXPECT_EQ(message_of(run_on(none, "full-sweep", {"--precision", "fp8"}), "full-sweep"),
            "No configs found matching filters: precision=['fp8']");
  EXPECT_EQ(run_with_runners(none, "test-config", {"--key", "m-fp8-h100-vllm"}).out, "[]\n");
  EXPECT_THAT(all(run_on(none, "full-sweep", {"--test-mode"}), "conc"), ElementsAre("2"))
      << "test mode uses only conc-start";
}

TEST_F(MatrixContract, RejectsEndlessRangeUnlessInTestMode) {
  const std::string place = "search-space[0] of seq-len-config[0]" + kForKey + ": ";
  for (const char* step : {"0", "1"}) {
    EXPECT_THAT(error(kSample, "test-config", {"--key", "m-fp8-h100-vllm", "--step-size", step}),
                StartsWith(place + "concurrency 4..16 never reaches its end with step size " + step));
  }
  const std::string zero = changed("conc-start: 4, conc-end: 16", "conc-start: 0, conc-end: 16");
  EXPECT_THAT(error(zero, "full-sweep", {}),
              StartsWith(place + "concurrency 0..16 never reaches its end with step size 2"));
  EXPECT_THAT(all(run_on(kSample, "full-sweep", {"--test-mode", "--step-size", "1"}), "conc"),
              ElementsAre("8", "2"))
      << "test mode uses only conc-start";
}

TEST_F(MatrixContract, EpAndDpAttnHaveDefaultsOnlyIfAbsentOrNull) {
  std::string elements;
  for (const char* more : {"", ", ep: ~, dp-attn: ~", ", ep: 0, dp-attn: false", ", ep: 4, dp-attn: yes"})
    elements +=
        std::string(elements.empty() ? "" : ", ") + "{ tp: 1, conc-start: 1, conc-end: 1" + more + " }";
  const std::string yaml = with_blocks("  - { isl: 1024, osl: 1024, search-space: [" + elements + "] }\n");
  EXPECT_THAT(all(run_on(yaml, "full-sweep"), "ep"), ElementsAre("1", "1", "0", "4"));
  EXPECT_THAT(all(run_on(yaml, "full-sweep"), "dp-attn"), ElementsAre("false", "false", "false", "true"));
}

// ---- section 2: what is chosen

TEST_F(MatrixContract, ExpNameUsesTheFieldAndTheFilterUsesTheKey) {
  const std::string yaml = entry("key-fp8", {{"model-prefix: m", "model-prefix: field"}});
  EXPECT_THAT(all(run_on(yaml, "full-sweep", {"--model-prefix", "key", "--test-mode"}), "exp-name"),
              ElementsAre("field_1k1k", "field_8192_512"));
  EXPECT_EQ(error(yaml, "full-sweep", {"--model-prefix", "field"}),
            "No configs found matching filters: model-prefix=['field']");
  const std::vector<std::string> h100 = {"--runner-type", "h100", "--model-prefix"};
  const auto with = [&](const std::string& prefix) {
    return run_with_runners(yaml, "runner-sweep", {h100[0], h100[1], h100[2], prefix});
  };
  EXPECT_THAT(all(with("key"), "exp-name"), ElementsAre("field_test", "field_test"));
  EXPECT_EQ(entries(with("")).size(), 2u) << "an empty prefix matches every key";
  EXPECT_EQ(message_of(with("KEY"), "runner-sweep"), "No configs found matching model prefix 'KEY'.");
  EXPECT_EQ(message_of(with("field"), "runner-sweep"), "No configs found matching model prefix 'field'.");
  EXPECT_THAT(all(run_with_runners(yaml, "runner-model-sweep", {h100[0], h100[1]}), "exp-name"),
              ElementsAre("field_test", "field_test"));
}

TEST_F(MatrixContract, RunnerTestUsesTheFirstHighestTpOfTheFirst1k1kBlock) {
  const std::string yaml = with_blocks(
      "  - { isl: 8192, osl: 1024, search-space: [{ tp: 64, conc-start: 1, conc-end: 1 }] }\n"
      "  - { isl: 1024, osl: 1024, search-space: [{ tp: 4, conc-start: 2, conc-end: 9 },\n"
      "      { tp: 8, conc-start: 3, conc-end: 9, ep: 8 }, { tp: 8, conc-start: 5, conc-end: 9 }] }\n"
      "  - { isl: 1024, osl: 1024, search-space: [{ tp: 16, conc-start: 7, conc-end: 9 }] }\n");
  for (const auto& output :
       {run_with_runners(yaml, "runner-model-sweep", {"--runner-type", "h100"}),
        run_with_runners(yaml, "runner-sweep", {"--runner-type", "h100", "--model-prefix", "m"})}) {
    EXPECT_THAT(all(output, "tp"), ElementsAre("8", "8"));
    EXPECT_THAT(all(output, "ep"), ElementsAre("8", "8"));
    EXPECT_THAT(all(output, "conc"), ElementsAre("3", "3"));
  }
}

TEST_F(MatrixContract, FullSweepTestUsesTheHighestTp) {
  const std::string yaml = with_blocks(
      "  - { isl: 1024, osl: 1024, search-space: [{ tp: 4, conc-start: 2, conc-end: 9 },\n"
      "      { tp: 16, conc-start: 3, conc-end: 9, dp-attn: true },\n"
      "      { tp: 8, conc-start: 5, conc-end: 9 }] }\n");
  const auto output = run_on(yaml, "full-sweep", {"--test-mode"});
  EXPECT_THAT(all(output, "tp"), ElementsAre("16"));
  EXPECT_THAT(all(output, "conc"), ElementsAre("3"));
  EXPECT_THAT(all(output, "dp-attn"), ElementsAre("true"));
}

TEST_F(MatrixContract, OrderIsEntryThenNodeAsInTheFiles) {
  const std::string yaml = entry("z", {{"org/Model", "z"}}) +
                           entry("other", {{"runner: h100", "runner: h200"}}) +
                           entry("a", {{"org/Model", "a"}});
  const std::string nodes = put("nodes.yaml", "h200: [x]\nh100: [h100-b, h100-a]\n");
  const auto output = run_on(yaml, "runner-model-sweep", {"--runner-type", "h100", "--runner-config", nodes});
  EXPECT_THAT(all(output, "model"), ElementsAre("z", "z", "a", "a"));
  EXPECT_THAT(all(output, "runner"), ElementsAre("h100-b", "h100-a", "h100-b", "h100-a"));
  EXPECT_THAT(all(run_on(yaml, "full-sweep", {"--seq-lens", "1k1k", "--step-size", "4"}), "conc"),
              ElementsAre("4", "16", "8", "4", "16", "8", "4", "16", "8"))
      << "element, then concurrency";
}

TEST_F(MatrixContract, NoMatchIsAnErrorOrAnEmptyMatrixAsInTheContract) {
  EXPECT_EQ(error(kSample, "full-sweep", {"--seq-lens", "8k1k"}),
            "No configs found matching filters: seq-lens=['8k1k']");
  EXPECT_EQ(error(kSample, "runner-sweep", {"--runner-type", "h200", "--model-prefix", "m"}),
            "No configs found matching model prefix 'm'.");
  for (const auto& output :
       {run_with_runners(kSample, "test-config", {"--key", "m-fp8-h100-vllm", "--seq-lens", "8k1k"}),
        run_with_runners(kSample, "runner-model-sweep", {"--runner-type", "h200"})}) {
    EXPECT_EQ(output.status, 0);
    EXPECT_EQ(output.out, "[]\n");
    EXPECT_EQ(output.err, "");
  }
}

// ---- section 2: filters and messages

TEST_F(MatrixContract, FullSweepFiltersMatchExactly) {
  const std::string yaml = kSample + entry("n-fp4", {{"precision: fp8", "precision: fp4"},
                                                     {"framework: vllm", "framework: trt"},
                                                     {"runner: h100", "runner: h200"}});
  const auto runners_of = [&](const std::vector<std::string>& args) {
    std::vector<std::string> all_args = args;
    all_args.insert(all_args.end(), {"--seq-lens", "1k1k", "--test-mode"});
    return all(run_with_runners(yaml, "full-sweep", all_args), "runner");
  };
  EXPECT_THAT(runners_of({"--precision", "fp8"}), ElementsAre("h100"));
  EXPECT_THAT(runners_of({"--framework", "trt"}), ElementsAre("h200"));
  EXPECT_THAT(runners_of({"--runner-type", "h200"}), ElementsAre("h200"));
  EXPECT_THAT(runners_of({"--model-prefix", "n", "m"}), ElementsAre("h100", "h200")) << "the files' order";
  const auto none = [&](const std::string& filter, const std::string& value) {
    EXPECT_EQ(error(yaml, "full-sweep", {"--" + filter, value}),
              "No configs found matching filters: " + filter + "=['" + value + "']");
  };
  for (const char* value : {"FP8", "fp", "fp88"})
    none("precision", value);
  for (const char* value : {"VLLM", "vll", "vllm2"})
    none("framework", value);
  for (const char* value : {"M", "m-fp8-h100-vllm-", "fp8"})
    none("model-prefix", value);
  none("runner-type", "empty");
}

TEST_F(MatrixContract, RunnerSweepFiltersMatchExactly) {
  const auto with = [&](std::vector<std::string> args) {
    args.insert(args.end(), {"--runner-type", "h100", "--model-prefix", "m"});
    return run_with_runners(kSample, "runner-sweep", args);
  };
  EXPECT_EQ(entries(with({"--precision", "fp8"})).size(), 2u);
  EXPECT_EQ(entries(with({"--framework", "vllm"})).size(), 2u);
  EXPECT_EQ(message_of(with({"--precision", "fp"}), "runner-sweep"),
            "No configs found matching model prefix 'm', precision 'fp'.");
  EXPECT_EQ(message_of(with({"--framework", "VLLM"}), "runner-sweep"),
            "No configs found matching model prefix 'm', framework 'VLLM'.");
}

TEST_F(MatrixContract, NodesAndLabelsMatchExactly) {
  const std::string not_compatible =
      "' is not compatible with config 'm-fp8-h100-vllm' which runs on runner type '";
  const auto test = [&](const std::string& yaml, const std::string& node) {
    return error(yaml, "test-config", {"--key", "m-fp8-h100-vllm", "--runner-node", node});
  };
  EXPECT_EQ(test(kSample, "h100-a"), "Runner node 'h100-a" + not_compatible +
                                         "h100'. Available runner nodes for this config are "
                                         "'h100-a_0, h100-b_1'.");
  EXPECT_EQ(
      test(changed("runner: h100", "runner: h300"), "h100-a_0"),
      "Runner node 'h100-a_0" + not_compatible + "h300'. Available runner nodes for this config are ''.");
  EXPECT_EQ(error(kSample, "runner-sweep", {"--runner-type", "h100-a_0", "--model-prefix", "m"}),
            "Runner 'h100-a_0' does not exist in runner config '" + path("runners.yaml") +
                "'. Must choose from existing runner types: 'h100, h200, odd, empty'.");
  for (const char* label : {"h100-a", "H100", "h10"}) {
    EXPECT_EQ(error(kSample, "custom",
                    {"--runner-label", label, "--image", "i", "--model", "m", "--framework", "f",
                     "--precision", "p", "--exp-name", "e"}),
              "Unable to find specified runner label '" + std::string(label) + "'.");
  }
}

}  // namespace
}  // namespace sweep::matrix
