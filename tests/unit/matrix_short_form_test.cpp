// controller/matrix/inferencemax/master: the short form, in which an entry has search-space itself and its key supplies
// other fields.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/matrix_samples.hpp"
#include "util/json.hpp"

namespace sweep::matrix {
namespace {

using nlohmann::ordered_json;
using testing::ElementsAre;
using testing::HasSubstr;

// Returns an entry in short form with the given key and additional fields.
std::string short_entry(const std::string& key, const std::string& fields = "") {
  return key + ":\n  image: i\n  model: org/M\n" + fields +
         "  search-space:\n  - { tp: 4, conc-start: 4, conc-end: 8 }\n";
}

// Returns model-prefix, precision, runner and framework of the only entry.
std::vector<std::string> parts(const std::string& yaml) {
  const auto configs = configs_of(yaml);
  if (!configs) return {configs.error().message};
  const Config& config = configs->front();
  return {config.model_prefix, config.precision, config.runner, config.framework};
}

TEST(ShortForm, KeySuppliesOmittedFields) {
  EXPECT_THAT(parts(short_entry("dsr1-fp4-b200-sglang")), ElementsAre("dsr1", "fp4", "b200", "sglang"));
  EXPECT_THAT(parts(short_entry("dsr1-fp8-b200-trt-sglang")),
              ElementsAre("dsr1", "fp8", "b200-trt", "sglang"));
  EXPECT_THAT(parts(short_entry("a-b-c-d")), ElementsAre("a", "b", "c", "d"));
}

TEST(ShortForm, FieldOverridesTheKey) {
  EXPECT_THAT(parts(short_entry("dsr1-fp4-b200-sglang", "  framework: trt\n  runner: h100\n")),
              ElementsAre("dsr1", "fp4", "h100", "trt"));
  EXPECT_THAT(
      parts(short_entry("anything", "  model-prefix: m\n  precision: p\n  runner: r\n  framework: f\n")),
      ElementsAre("m", "p", "r", "f"));
}

TEST(ShortForm, FieldThatTheKeyRepeatsMayContainDashes) {
  EXPECT_THAT(parts(short_entry("gpt-oss-fp4-h100-vllm", "  model-prefix: gpt-oss\n")),
              ElementsAre("gpt-oss", "fp4", "h100", "vllm"));
  EXPECT_THAT(parts(short_entry("dsr1-fp4-gb200-dynamo-trt", "  framework: dynamo-trt\n")),
              ElementsAre("dsr1", "fp4", "gb200", "dynamo-trt"));
}

TEST(ShortForm, RejectsKeyThatCannotBeSplit) {
  // In the last two keys, a split at the first dash would give the precisions oss and r1.
  for (const char* key : {"dsr1", "dsr1-fp4-b200", "dsr1--b200-sglang", "-fp4-b200-sglang", "dsr1-fp4-b200-",
                          "dsr1-fp4--sglang", "gpt-oss-fp4-h100-vllm", "ds-r1-bf16-h100-vllm"}) {
    const std::string text = error_in(short_entry(key));
    EXPECT_EQ(text, "Cannot derive 'model-prefix' from key '" + std::string(key) +
                        "' in 'f.yaml': write the key as "
                        "<model-prefix>-<precision>-<runner>-<framework>, or add the field 'model-prefix'");
  }
  EXPECT_THAT(error_in(short_entry("k", "  model-prefix: m\n")), HasSubstr("add the field 'precision'"));
}

TEST(ShortForm, ImageAndModelAreNotTakenFromTheKey) {
  EXPECT_EQ(error_in("a-b-c-d:\n  model: m\n  search-space: [{ tp: 1, conc-start: 1, conc-end: 1 }]\n"),
            "Missing required field 'image' for key 'a-b-c-d'");
  EXPECT_EQ(error_in("a-b-c-d:\n  image: i\n  search-space: [{ tp: 1, conc-start: 1, conc-end: 1 }]\n"),
            "Missing required field 'model' for key 'a-b-c-d'");
}

TEST(ShortForm, IsCheckedLikeTheContractsForm) {
  const std::string head = "a-b-c-d:\n  image: i\n  model: m\n  search-space: ";
  EXPECT_EQ(error_in(head + "[]\n"), "Missing or invalid 'search-space' for key 'a-b-c-d'");
  EXPECT_EQ(error_in(head + "[{ tp: 1, conc: 3 }]\n"),
            "Extra fields {'conc'} in search-space[0] for key 'a-b-c-d'");
  EXPECT_EQ(error_in(head + "[{ tp: 1 }]\n"), "Missing 'conc-start' in search-space[0] for key 'a-b-c-d'");
  EXPECT_EQ(error_in(short_entry("a-b-c-d", "  precision: 4\n")),
            "Field 'precision' must be str for key 'a-b-c-d', got int");
}

TEST(ShortForm, SeqLenConfigsSelectTheContractsForm) {
  EXPECT_EQ(error_in(short_entry("a-b-c-d", "  seq-len-configs: ~\n")),
            "Missing required field 'model-prefix' for key 'a-b-c-d'");
}

class ShortFormCommand : public MatrixCommand {
 protected:
  // Returns "ISLxOSL EXP-NAME" of every entry that the command prints.
  std::vector<std::string> lengths(const std::string& yaml, const std::vector<std::string>& args = {}) const {
    const auto output = run_on(yaml, "full-sweep", args);
    EXPECT_EQ(output.status, 0) << output.err;
    std::vector<std::string> out;
    for (const auto& point : ordered_json::parse(output.out.empty() ? "[]" : output.out)) {
      out.push_back(point["isl"].dump() + "x" + point["osl"].dump() + " " +
                    point["exp-name"].get<std::string>());
    }
    return out;
  }

  const std::string one_ =
      "dsr1-fp4-b200-trt: { image: i, model: m, search-space: "
      "[{ tp: 4, conc-start: 4, conc-end: 4 }] }\n";
};

TEST_F(ShortFormCommand, LengthsAre1k1kUnlessGivenOnTheCommandLine) {
  EXPECT_THAT(lengths(one_), ElementsAre("1024x1024 dsr1_1k1k"));
  EXPECT_THAT(lengths(one_, {"--seq-lens", "8k1k"}), ElementsAre("8192x1024 dsr1_8k1k"));
  EXPECT_THAT(lengths(one_, {"--seq-lens", "8k1k", "1k1k", "8k1k"}),
              ElementsAre("8192x1024 dsr1_8k1k", "1024x1024 dsr1_1k1k"));
}

TEST_F(ShortFormCommand, OwnLengthsAreFilteredLikeTheContractsForm) {
  const std::string own =
      "dsr1-fp4-b200-trt: { image: i, model: m, isl: 1024, osl: 8192, search-space: "
      "[{ tp: 4, conc-start: 4, conc-end: 4 }] }\n";
  EXPECT_THAT(lengths(own), ElementsAre("1024x8192 dsr1_1k8k"));
  EXPECT_THAT(lengths(own, {"--seq-lens", "1k8k"}), ElementsAre("1024x8192 dsr1_1k8k"));
  EXPECT_EQ(message_of(run_on(own, "full-sweep", {"--seq-lens", "1k1k"}), "full-sweep"),
            "No configs found matching filters: seq-lens=['1k1k']");
  EXPECT_EQ(error_in("a-b-c-d: { image: i, model: m, isl: 1024, search-space: [{ tp: 1 }] }\n"),
            "Missing 'osl' in key 'a-b-c-d'");
}

TEST_F(ShortFormCommand, GivesTheSameEntryAsTheContractsForm) {
  const std::string long_form =
      "dsr1-fp4-b200-trt: { image: i, model: m, model-prefix: dsr1, precision: fp4, runner: b200,\n"
      "  framework: trt, seq-len-configs: [{ isl: 1024, osl: 1024,\n"
      "  search-space: [{ tp: 4, conc-start: 4, conc-end: 4 }] }] }\n";
  EXPECT_EQ(run_on(one_, "full-sweep").out, run_on(long_form, "full-sweep").out);
}

}  // namespace
}  // namespace sweep::matrix
