// Typos in configuration files: every point that a file describes is either planned or named.
#include <gmock/gmock.h>

#include "controller/matrix/load.hpp"
#include "tests/unit/matrix_samples.hpp"
#include "util/json.hpp"

namespace sweep::matrix {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

const std::string kShort = R"(m-fp8-h100-vllm:
  image: i
  model: org/Model
  search-space:
    - { tp: 4, conc-start: 4, conc-end: 16 }
)";

class Typos : public MatrixCommand {
 protected:
  /// Loads the file for a sweep and keeps its warnings and its error.
  std::size_t load(const std::string& yaml, const std::vector<std::string>& selection = {}) {
    warnings.clear();
    error.clear();
    file = put("f.yaml", yaml);
    const auto matrix = load_matrix({file}, selection, &warnings);
    if (!matrix) error = matrix.error().message;
    return matrix ? matrix->size() : 0;
  }
  std::string at(int line) const { return file + ":" + std::to_string(line) + ": "; }

  std::vector<std::string> warnings;
  std::string error, file;
};

TEST_F(Typos, UnknownKeyOfAShortEntryIsAnErrorWithItsLineAndTheNearestKey) {
  load(changed("  image: i\n", "  image: i\n  repaet: 3\n", kShort));
  EXPECT_EQ(error, at(3) + "unknown key 'repaet' in key 'm-fp8-h100-vllm'; did you mean 'repeat'?");
  load(changed("  image: i\n", "  image: i\n  nodes: 3\n", kShort));
  EXPECT_THAT(error, StartsWith(at(3) + "unknown key 'nodes' in key 'm-fp8-h100-vllm'; known: image, "));
}

TEST_F(Typos, UnknownKeysOfTheFullFormAreWarnings) {
  EXPECT_EQ(load(changed("  runner: h100\n", "  runner: h100\n  repaet: 3\n")), 5U);
  EXPECT_THAT(
      warnings,
      ElementsAre(at(8) + "unknown key 'repaet' in key 'm-fp8-h100-vllm'; did you mean 'repeat'?; it is "
                          "ignored"));
  EXPECT_EQ(load(changed("    osl: 512\n", "    osl: 512\n    conc-end: 4\n")), 5U);
  EXPECT_THAT(warnings,
              ElementsAre(StartsWith(at(16) + "unknown key 'conc-end' in seq-len-config[1] for key")));
}

TEST_F(Typos, MisspeltRequiredKeyIsNamedBesideTheMissingOne) {
  load(changed("  search-space:\n    - {", "  serach-space:\n    - {", kShort));
  EXPECT_THAT(error, HasSubstr("Missing required field"));
  EXPECT_THAT(error, EndsWith("; unknown key 'serach-space' (" + file + ":4); did you mean 'search-space'?"));
  load(changed("  search-space:\n    - {", "  isll: 64\n  osl: 64\n  search-space:\n    - {", kShort));
  EXPECT_EQ(error, at(1) + "Missing 'isl' in key 'm-fp8-h100-vllm'; unknown key 'isll' (" + file +
                       ":4); did you mean 'isl'?");
  load(changed("conc-start: 4, conc-end: 16", "conc-strat: 4, conc-end: 16", kShort));
  EXPECT_EQ(error, at(5) +
                       "Extra fields {'conc-strat'} in search-space[0] for key 'm-fp8-h100-vllm'; did you "
                       "mean 'conc-start'?");
}

TEST_F(Typos, ErrorHasTheLineOfTheValue) {
  load(changed("conc-start: 2, conc-end: 2", "conc-start: two, conc-end: 2"));
  EXPECT_THAT(error, StartsWith(at(17) + "'conc-start' must be int in search-space[0]"));
  EXPECT_THAT(error, EndsWith(", got 'two'; write a number without quotes or decimal point"));
  load(changed("  framework: vllm\n", "  framework: [vllm]\n"));
  EXPECT_THAT(error, StartsWith(at(6) + "Field 'framework' must be str"));
  load(changed("    osl: 512\n", "    osl: x\n"));
  EXPECT_THAT(error, StartsWith(at(15) + "'osl' must be int in seq-len-config[1]"));
}

TEST_F(Typos, ReversedConcurrenciesAreNotSilentlyLeftOut) {
  load(changed("conc-start: 4, conc-end: 16", "conc-start: 16, conc-end: 4", kShort));
  EXPECT_EQ(error,
            at(5) +
                "conc-start 16 is above conc-end 4 in search-space[0] for key 'm-fp8-h100-vllm', so it "
                "makes no point; swap the two values");
  EXPECT_EQ(load(changed("conc-start: 4, conc-end: 16", "conc-start: 16, conc-end: 4")), 2U);
  EXPECT_THAT(warnings, ElementsAre(StartsWith(at(12) + "conc-start 16 is above conc-end 4")));
}

TEST_F(Typos, RepeatedKeysAreNamed) {
  load(changed("  image: i\n", "  image: i\n  image: j\n", kShort));
  EXPECT_EQ(error, at(3) + "key 'image' occurs twice in key 'm-fp8-h100-vllm'; remove one of them");
  load(changed("tp: 4, ", "tp: 4, tp: 8, ", kShort));
  EXPECT_THAT(error, StartsWith(at(5) + "key 'tp' occurs twice in search-space[0]"));
  load(kShort + kShort);
  EXPECT_EQ(error, at(6) + "entry 'm-fp8-h100-vllm' occurs twice; rename or remove one of them");
  EXPECT_EQ(load(kSample + kSample), 5U);
  EXPECT_THAT(
      warnings,
      ElementsAre(at(18) + "entry 'm-fp8-h100-vllm' occurs twice; only the points of the last one are used"));
  EXPECT_EQ(
      load("base: &b {image: i, model: x, model-prefix: m, precision: fp8, framework: vllm, runner: h100, "
           "seq-len-configs: [{isl: 1, osl: 1, search-space: [{tp: 1, conc-start: 1, conc-end: 1}]}]}\n"
           "other: {<<: *b, model: y}\n"),
      2U);
  EXPECT_THAT(warnings, IsEmpty()) << "a merged key may be overridden";
}

TEST_F(Typos, EmptySelectionSaysWhatThereIs) {
  load(kSample, {"--precision", "fp5", "--framework", "vllm"});
  EXPECT_EQ(error,
            "No configs found matching filters: precision=['fp5'] framework=['vllm']; there is precision "
            "fp8; framework vllm");
  load(kSample, {"--runner-type", "h200"});
  EXPECT_THAT(error, EndsWith("; there is runner-type h100"));
  load("{}");
  EXPECT_THAT(error, EndsWith("; the files have no entries"));
}

TEST_F(Typos, FilterValueThatMatchesNothingIsNamed) {
  EXPECT_EQ(load(kSample, {"--framework", "vllm", "vlmm"}), 5U);
  EXPECT_THAT(warnings, ElementsAre("--framework 'vlmm' matches no entry; did you mean 'vllm'?"));
  EXPECT_EQ(load(kSample, {"--seq-lens", "1k1k", "8k1k"}), 4U);
  EXPECT_THAT(warnings, ElementsAre(StartsWith("--seq-lens '8k1k' matches no entry; ")));
}

TEST_F(Typos, RunnerTypeSelectsWithoutARunnerFile) {
  EXPECT_EQ(load(kSample, {"--runner-type", "h100"}), 5U);
  EXPECT_EQ(message_of(run_on(kSample, "full-sweep", {"--runner-type", "h100"}), "full-sweep"),
            "--runner-config is required when --runner-type is specified");
}

TEST_F(Typos, FilesOfOtherKindsAreRecognised) {
  load("timeouts: { server: 1h }\nretries: { node: 1 }\n");
  EXPECT_THAT(error, HasSubstr("is not a benchmark matrix: it is a profile (it has 'timeouts'); give it with "
                               "--sweep-profile (sweepctl: --profile)"));
  load("server: { command: x }\nclient: { command: y }\n");
  EXPECT_THAT(error, HasSubstr("it is a recipe (it has 'server' and 'client'); name it in the profile"));
  load("name: n\nmodel: { path: p }\nresources: { gpu_type: x }\nbackend: { type: vllm }\n");
  EXPECT_THAT(error,
              HasSubstr("it is a recipe of srt-slurm (it has 'resources' and 'backend'); name it in the "
                        "'additional-settings' of an entry's prefill workers: CONFIG_FILE=FILE"));
  load("h100: [h100-a_0]\nh200: [h200-a_0]\n");
  EXPECT_THAT(error, HasSubstr("it is a runner file"));
  EXPECT_THAT(error, HasSubstr("--runner-config"));
}

TEST_F(Typos, WarningsOfTheCommandGoToStandardError) {
  const auto plain = run_matrix_command({"full-sweep", "--config-files", put("f.yaml", kSample)});
  put("f.yaml", changed("  runner: h100\n", "  runner: h100\n  repaet: 3\n"));
  const auto typo = run_matrix_command({"full-sweep", "--config-files", path("f.yaml")});
  EXPECT_EQ(typo.status, 0);
  EXPECT_EQ(typo.out, plain.out);
  EXPECT_EQ(plain.err, "");
  EXPECT_THAT(typo.err, StartsWith("sweepctl matrix full-sweep: warning: "));
  EXPECT_THAT(typo.err, HasSubstr("f.yaml:8: unknown key 'repaet'"));
}

TEST_F(Typos, RunnerFilesThatHardlyMeanWhatTheySayAreNamed) {
  const std::string runners = put("r.yaml", "h100: [a]\nodd: h100-a\nmap: { nodes: [x] }\nh100: [b]\n");
  const auto output = run_matrix_command({"full-sweep", "--runner-type", "h100", "--runner-config", runners,
                                          "--config-files", put("f.yaml", kSample)});
  EXPECT_EQ(output.status, 0);
  EXPECT_THAT(output.err, HasSubstr("r.yaml:2: runner type 'odd' has a text instead of a list"));
  EXPECT_THAT(output.err, HasSubstr("r.yaml:3: runner type 'map' has a mapping instead of a list"));
  EXPECT_THAT(output.err, HasSubstr("r.yaml:4: runner type 'h100' occurs twice"));
}

}  // namespace
}  // namespace sweep::matrix
