// The replacement symbols in the name of an output directory.
#include <gmock/gmock.h>

#include "controller/plan/output_pattern.hpp"

namespace sweep {
namespace {

using testing::HasSubstr;

const PatternValues kAll = {"128", "0", "120", "3", "deepseek", "ada"};

std::string path(const std::string& pattern, const PatternValues& values = kAll) {
  const auto out = path_of_pattern(pattern, values);
  return out ? *out : "error: " + out.error().message;
}

TEST(OutputPattern, SymbolsAreReplacedAsSlurmDoes) {
  EXPECT_EQ(path("res_%j"), "res_128");
  EXPECT_EQ(path("%J %s %A %a %x %u"), "128.0 0 120 3 deepseek ada");
  EXPECT_EQ(path("/data/%u/%x/%A_%a"), "/data/ada/deepseek/120_3");
  EXPECT_EQ(path("plain/path"), "plain/path");
  EXPECT_EQ(path("%j%j"), "128128");
}

TEST(OutputPattern, TwoPercentSignsAreOne) {
  EXPECT_EQ(path("100%%"), "100%");
  EXPECT_EQ(path("%%j"), "%j");
  EXPECT_EQ(path("%%%j"), "%128");
}

TEST(OutputPattern, NumbersArePaddedToTheWidth) {
  EXPECT_EQ(path("%4j"), "0128");
  EXPECT_EQ(path("%2j"), "128");
  EXPECT_EQ(path("%4J"), "0128.0");
  EXPECT_EQ(path("%3a-%5A-%2s"), "003-00120-00");
  EXPECT_EQ(path("%99j"), "0000000128");
  EXPECT_EQ(path("%99999999999999999999j"), "0000000128");
  EXPECT_EQ(path("%9x%9u"), "deepseekada");
}

TEST(OutputPattern, NamesAreOneComponent) {
  PatternValues values = kAll;
  values.job_name = "../a/b";
  values.user = "..";
  EXPECT_EQ(path("r/%x", values), "r/_._a_b");
  EXPECT_EQ(path("r/%u", values), "r/_.");
  values.job_name = "50%j";
  EXPECT_EQ(path("%x", values), "50%j");
}

TEST(OutputPattern, UnknownSymbolIsAnErrorThatNamesTheKnownOnes) {
  for (const char* pattern : {"res_%q", "res_%", "res_%4", "%4%", "%-j", "% j"}) {
    EXPECT_THAT(path(pattern),
                testing::AllOf(HasSubstr("cannot use the output directory '" + std::string(pattern)),
                               HasSubstr("is not a replacement symbol; known: %j (job)"),
                               HasSubstr("%% (a percent sign)")));
  }
  EXPECT_THAT(path("res_%q"), HasSubstr("'%q' is not"));
  for (const char* pattern : {"%N", "%2n", "%t"})
    EXPECT_THAT(path(pattern), HasSubstr("differs between the tasks of a step"));
}

TEST(OutputPattern, SymbolWithoutAValueIsAnErrorWithTheReason) {
  EXPECT_EQ(path("res_%j", {}),
            "error: cannot use the output directory 'res_%j': %j has no value: there is no Slurm job; use "
            "another name, or run inside srun, sbatch or salloc");
  PatternValues values;
  values.job = "7";
  EXPECT_THAT(path("%a", values), HasSubstr("job 7 is not part of a job array; use %j, or sbatch --array"));
  EXPECT_THAT(path("%s", values), HasSubstr("the number of the step is not known; use %j"));
  EXPECT_THAT(path("%x", values), HasSubstr("Slurm did not provide it"));
  EXPECT_THAT(path("%u", values), HasSubstr("the user has no name"));
  EXPECT_EQ(path("%J", values), "7");  // as in a batch script
  EXPECT_EQ(path("%3A", values), "007");
}

TEST(OutputPattern, BeforeTheJobTheFolderAboveIsKnown) {
  PatternValues values;
  values.user = "ada";
  const auto folder = [&](const std::string& pattern) {
    const auto out = replace_symbols(pattern, values);
    return out ? out->missing + " in '" + out->known_folder + "'" : out.error().message;
  };
  EXPECT_EQ(folder("res_%j"), "%j in ''");
  EXPECT_EQ(folder("runs/%u/res_%4j/%x"), "%4j in 'runs/ada'");
  EXPECT_EQ(folder("/%j"), "%j in '/'");
  EXPECT_EQ(folder("runs/%u"), " in ''");
  EXPECT_EQ(replace_symbols("runs/%u", values)->text, "runs/ada");
  EXPECT_FALSE(replace_symbols("%j/%q", values));
}

// Slurm is asked for the name of a job only if it is needed.
TEST(OutputPattern, HasSymbolIsTrueForTheSymbolOnly) {
  for (const char* pattern : {"%x", "a/%9x", "%%%x", "%j_%x"})
    EXPECT_TRUE(has_symbol(pattern, 'x')) << pattern;
  for (const char* pattern : {"", "x", "/exp/%j", "%%x", "%", "%jx", "x%"})
    EXPECT_FALSE(has_symbol(pattern, 'x')) << pattern;
}

TEST(OutputPattern, PathOfAPatternOfAPathIsThePath) {
  for (const char* name : {"/a/b", "100%", "%j", "%%", ""})
    EXPECT_EQ(path(pattern_of_path(name)), name);
}

}  // namespace
}  // namespace sweep
