// Files of InferenceMAX and InferenceX: how they are told apart, and options that only one of them has.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/matrix/load.hpp"
#include "tests/unit/inferencex_samples.hpp"
#include "util/json.hpp"

namespace sweep::matrix::inferencex {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class MatrixGeneration : public InferenceXCommand {
 protected:
  // Returns the message of a usage error, without the usage.
  std::string usage_error(const std::string& yaml, const std::string& subcommand,
                          const std::vector<std::string>& args) const {
    const auto output = run_on(yaml, subcommand, args);
    EXPECT_EQ(output.status, 2) << output.out << output.err;
    EXPECT_EQ(output.out, "");
    const std::size_t at = output.err.find("error: ");
    return at == std::string::npos ? output.err : with_short_paths(output.err.substr(at + 7));
  }
};

TEST_F(MatrixGeneration, FilesOfBothAreOneErrorThatNamesAPlaceOfBoth) {
  const auto output =
      run({"full-sweep", "--config-files", put("new.yaml", kOneNode), put("old.yaml", kSample)});
  EXPECT_EQ(
      with_short_paths(message_of(output, "full-sweep")),
      "old.yaml:1: Master config entry 'm-fp8-h100-vllm' failed validation: multinode: required key is "
      "missing: the entry has 'seq-len-configs' and is of InferenceMAX (2025), but new.yaml:1 has 'scenarios' "
      "and is of InferenceX; give files of one generation");
  EXPECT_THAT(message_of(run_on(kOneNode + kSample, "full-sweep"), "full-sweep"),
              HasSubstr("f.yaml:14: Master config entry"))
      << "also within one file";
}

TEST_F(MatrixGeneration, RunnerFileOfTheOtherGenerationIsNamed) {
  const auto output = run_on(kSample, "full-sweep", {"--runner-config", put("labels.yaml", kLabels)});
  EXPECT_THAT(
      with_short_paths(message_of(output, "full-sweep")),
      AllOf(StartsWith("f.yaml:1: "), HasSubstr("but labels.yaml:1 has 'labels' and is of InferenceX")));
  EXPECT_THAT(
      message_of(run_on(kOneNode, "full-sweep", {"--runner-config", put("r.yaml", kRunners)}), "full-sweep"),
      HasSubstr("r.yaml:1: Runner config must define a labels mapping"));
}

TEST_F(MatrixGeneration, OptionOfOneGenerationNamesTheFileOfTheOther) {
  EXPECT_EQ(
      usage_error(kOneNode, "full-sweep", {"--test-mode"}),
      "unrecognized arguments: --test-mode; these arguments are for files of InferenceMAX (2025), but f.yaml:1 "
      "has 'scenarios' and is of InferenceX\n");
  EXPECT_EQ(
      usage_error(kSample, "full-sweep", {"--min-conc", "4"}),
      "unrecognized arguments: --min-conc 4; these arguments are for files of InferenceX, but f.yaml:1 has "
      "'seq-len-configs' and is of InferenceMAX (2025)\n");
  EXPECT_THAT(
      usage_error(kOneNode, "full-sweep", {"--seq-lens", "1k8k"}),
      StartsWith("argument --seq-lens: invalid choice: '1k8k' (choose from 1k1k, 8k1k); these arguments"));
  EXPECT_THAT(usage_error(kOneNode, "test-config", {"--key", "solo", "--runner-config", "r"}),
              StartsWith("unrecognized arguments: --key solo"));
}

TEST_F(MatrixGeneration, SubcommandOf2025NeedsFilesOf2025) {
  EXPECT_EQ(
      usage_error(kOneNode, "runner-model-sweep", {"--runner-type", "x1", "--runner-config", "r"}),
      "argument command: invalid choice: 'runner-model-sweep' (choose from full-sweep, test-config); these "
      "arguments are for files of InferenceMAX (2025), but f.yaml:1 has 'scenarios' and is of InferenceX\n");
}

TEST_F(MatrixGeneration, ValuesOfOptionsAreCheckedForInferenceXOnly) {
  EXPECT_THAT(usage_error(kOneNode, "full-sweep", {"--step-size", "1"}),
              StartsWith("--step-size must be greater than 1"));
  EXPECT_THAT(usage_error(kOneNode, "full-sweep", {"--min-conc", "9", "--max-conc", "8"}),
              StartsWith("--min-conc must be less than or equal to --max-conc"));
  EXPECT_THAT(usage_error(kOneNode, "full-sweep", {"--no-evals", "--all-evals"}),
              StartsWith("--all-evals cannot be combined with --no-evals"));
  EXPECT_THAT(usage_error(kOneNode, "full-sweep", {"--no-evals", "--evals-only"}),
              StartsWith("argument --evals-only: not allowed with argument --no-evals"));
  EXPECT_THAT(usage_error(kOneNode, "full-sweep", {"--run", "x"}),
              StartsWith("ambiguous option: --run could match "));
}

TEST_F(MatrixGeneration, EntryOf2025MayHaveMultinode) {
  EXPECT_EQ(run_on(changed("  runner: h100\n", "  runner: h100\n  multinode: true\n"), "full-sweep").status,
            0);
}

// ---- what is said on standard error

TEST_F(MatrixGeneration, UnexpectedEffectsOfFiltersAreReported) {
  const auto said = [&](const std::string& yaml, const std::vector<std::string>& args) {
    return warnings_of(yaml, "full-sweep", args);
  };
  EXPECT_THAT(said(kOneNode, {}), IsEmpty());
  EXPECT_EQ(
      said(kOneNode, {"--max-conc", "1"}),
      "--min-conc and --max-conc replace concurrencies: 1 value of fixed-seq-len that no file has (first at "
      "f.yaml:13); without the limits the matrix has only the files' own\n");
  EXPECT_EQ(
      said(kAgentic, {"--max-conc", "2"}),
      "1 element of agentic-coding without a concurrency within --min-conc and --max-conc left out (first at "
      "f.yaml:14)\n");
  EXPECT_EQ(
      said(kAgentic, {"--max-tp", "2"}),
      "--max-tp not applied to agentic-coding: 3 rows of it in the matrix; add --scenario-type fixed-seq-len to "
      "leave them out\n");
  EXPECT_EQ(said(changed("{ tp: 4, ", "{ tp: 4, ep: 8, ", kOneNode), {"--max-ep", "2"}),
            "--max-ep 2 lowers ep of 3 points instead of leaving them out\n");
  EXPECT_EQ(
      said(kOneNode, {"--max-tp", "0"}),
      "--max-tp 0 leaves out every element of fixed-seq-len to which it applies; give a number above 0\n");
  EXPECT_THAT(said(kOneNode, {"--precision", "fp7"}),
              StartsWith("--precision 'fp7' matches no entry; did you mean 'fp8'?\n"));
}

TEST_F(MatrixGeneration, LengthsThatLeaveAgenticRowsInAreReported) {
  const std::string both = kOneNode + kAgentic;
  EXPECT_THAT(warnings_of(both, "full-sweep", {"--seq-lens", "1k1k"}),
              HasSubstr("--seq-lens not applied to agentic-coding: 3 rows of it in the matrix"));
  EXPECT_THAT(warnings_of(both, "full-sweep", {"--seq-lens", "1k1k", "--scenario-type", "fixed-seq-len"}),
              IsEmpty());
  EXPECT_THAT(warnings_of(both, "test-config", {"--config-keys", "*", "--seq-lens", "1k1k"}),
              HasSubstr("--seq-lens not applied to agentic-coding"));
}

TEST_F(MatrixGeneration, SuspiciousValuesAreReportedWithFileAndLine) {
  EXPECT_EQ(warnings_of(changed("runner: x1", "runner: x3", kOneNode), "full-sweep", {}),
            "f.yaml:1: runner 'x3' of entry 'solo' is not a label of labels.yaml; did you mean 'x1'?\n");
  EXPECT_EQ(
      warnings_of(changed("tp: 4", "tp: '4'", kOneNode), "full-sweep", {}),
      "f.yaml:13: a number or truth value of entry 'solo' is in quotes, so the matrix has a text there; remove "
      "the quotes\n");
  EXPECT_EQ(warnings_of(changed("tp: 4", "tp: 4, tp: 8", kOneNode), "full-sweep", {}),
            "f.yaml:13: 'tp' occurs twice in entry 'solo'; only the last value is used\n");
  EXPECT_EQ(warnings_of(kOneNode + kOneNode, "full-sweep", {}),
            "f.yaml:14: entry 'solo' occurs twice; only the points of the last one are used\n");
  EXPECT_EQ(
      warnings_of(changed("conc-start: 2", "conc-list: [], conc-start: 2", kOneNode), "test-config",
                  {"--config-keys", "solo"}),
      "test-config makes no point of 1 element with an empty conc-list (first at f.yaml:13); remove conc-list to "
      "use the range\n");
}

// ---- as the matrix of a sweep

TEST_F(MatrixGeneration, SweepFindsTheRunnerFileBesideTheMatrix) {
  const std::string file = put("f.yaml", kAgentic);
  const auto without = load_matrix({file}, {});
  ASSERT_FALSE(without);
  EXPECT_THAT(without.error().message, HasSubstr("requires 'available-cpu-dram-mib'"));
  put("runners.yaml", kLabels);
  const auto entries = load_matrix({file}, {});
  ASSERT_TRUE(entries) << entries.error().message;
  EXPECT_EQ(entries->size(), 3u);
  EXPECT_EQ(entries->back().at("total-cpu-dram-gb"), 131);
}

TEST_F(MatrixGeneration, SweepWithoutARunnerFileSelectsByTheEntriesRunners) {
  const std::string file = put("f.yaml", kOneNode);
  EXPECT_EQ(load_matrix({file}, {"--runner-type", "x1"}).value().size(), 3u);
  const auto unknown = load_matrix({file}, {"--runner-type", "x2"});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().message, "Invalid runner type(s): {'x2'}. Valid runner types are: x1");
  const auto wrong = load_matrix({file}, {"--test-mode"});
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error().message, HasSubstr("; a selection consists of options of"));
}

}  // namespace
}  // namespace sweep::matrix::inferencex
