// controller/matrix/load and words.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/matrix/load.hpp"
#include "controller/matrix/words.hpp"
#include "tests/unit/matrix_samples.hpp"

namespace sweep::matrix {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class LoadMatrix : public InFolder {
 protected:
  std::string error_of(const std::vector<std::string>& files,
                       const std::vector<std::string>& selection) const {
    const auto matrix = load_matrix(files, selection);
    if (matrix) return "";
    EXPECT_EQ(matrix.error().message.find('\n'), std::string::npos) << matrix.error().message;
    return matrix.error().message;
  }
};

TEST_F(LoadMatrix, ReturnsTheEntriesOfAFullSweep) {
  const std::string file = put("f.yaml", kSample);
  const auto all = load_matrix({file}, {});
  ASSERT_TRUE(all) << all.error().message;
  EXPECT_EQ(all->size(), 5u);
  const auto some = load_matrix({file}, {"--seq-lens", "1k1k", "--step-size", "4"});
  ASSERT_TRUE(some);
  ASSERT_EQ(some->size(), 3u);
  EXPECT_EQ(some->front()["exp-name"], "m_1k1k");
}

TEST_F(LoadMatrix, ErrorNamesTheInvalidOption) {
  const std::string file = put("f.yaml", kSample);
  EXPECT_EQ(error_of({file}, {"--seq-len", "1k1k"}), "") << "an abbreviation is accepted";
  const std::string remedy =
      "; a selection consists of options of `sweepctl matrix full-sweep`, for example '--model-prefix dsr1 "
      "--seq-lens 1k1k'";
  EXPECT_EQ(error_of({file}, {"--seqlens", "1k1k"}),
            "unrecognized arguments: --seqlens 1k1k (did you mean --seq-lens?)" + remedy);
  EXPECT_EQ(error_of({file}, {"precision=fp8"}), "unrecognized arguments: precision=fp8" + remedy);
  EXPECT_THAT(error_of({file}, {"--modelprefix", "m"}), HasSubstr("did you mean --model-prefix?"));
  EXPECT_EQ(error_of({file}, {"--seq-lens", "4k4k"}),
            "argument --seq-lens: invalid choice: '4k4k' (choose from 1k1k, 1k8k, 8k1k)" + remedy);
  EXPECT_EQ(error_of({file}, {"--step-size", "x"}), "argument --step-size: invalid int value: 'x'" + remedy);
  EXPECT_THAT(error_of({file}, {"--config-files", "g"}), HasSubstr("unrecognized arguments: --config-files"));
  EXPECT_THAT(error_of({file}, {"--help"}), HasSubstr("sweepctl matrix full-sweep --help"));
}

TEST_F(LoadMatrix, ErrorIsTheContractsMessageInOneLine) {
  EXPECT_EQ(error_of({}, {}), "No configuration file given: give at least one");
  EXPECT_EQ(error_of({path("x")}, {}),
            "Input file '" + path("x") +
                "' does not exist. Give the path of a benchmark matrix, absolute or "
                "relative to the current directory");
  EXPECT_EQ(error_of({put("f.yaml", kSample)}, {"--precision", "a\nb"}),
            "No configs found matching filters: precision=['a\\nb']; there is precision fp8");
  EXPECT_THAT(error_of({put("bad\nname.yaml", "[")}, {}), HasSubstr("bad\\nname.yaml"));
}

// ---- split_words

std::vector<std::string> words(const std::string& text) {
  const auto split = split_words(text);
  return split ? *split : std::vector<std::string>{"error: " + split.error().message};
}

TEST(SplitWords, SplitsAtBlanks) {
  EXPECT_THAT(words("--seq-lens 1k1k\t8k1k\n --test-mode "),
              ElementsAre("--seq-lens", "1k1k", "8k1k", "--test-mode"));
  EXPECT_THAT(words(""), IsEmpty());
  EXPECT_THAT(words(" \t"), IsEmpty());
}

TEST(SplitWords, QuotesAsAPosixShellDoes) {
  EXPECT_THAT(words("'a b' \"c d\" e' 'f"), ElementsAre("a b", "c d", "e f"));
  EXPECT_THAT(words("'' \"\""), ElementsAre("", ""));
  EXPECT_THAT(words(R"('a\b"' "a\"b\\c\$d\`e\n'")"), ElementsAre(R"(a\b")", R"(a"b\c$d`e\n')"));
  EXPECT_THAT(words(R"(a\ b \'c \\)"), ElementsAre("a b", "'c", "\\"));
  EXPECT_THAT(words("$HOME *"), ElementsAre("$HOME", "*")) << "nothing is expanded";
}

TEST(SplitWords, RejectsOpenQuotesAndATrailingBackslash) {
  EXPECT_THAT(words("a 'b"), ElementsAre("error: Unclosed quote ' in 'a 'b'"));
  EXPECT_THAT(words("a \"b\\\""), ElementsAre("error: Unclosed quote \" in 'a \"b\\\"'"));
  EXPECT_THAT(words("a\\"),
              ElementsAre("error: 'a\\' ends with a backslash: write \\\\ for a literal backslash"));
}

}  // namespace
}  // namespace sweep::matrix
