// util/command_line: values of options as they are read, and what is said about those that cannot be.
#include "util/command_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sweep {
namespace {

using testing::HasSubstr;

struct Read {
  std::optional<int> status;  // std::nullopt: the program goes on
  std::int64_t value = 0;
  std::string error;
};

Read read_count(const std::string& text) {
  Read out;
  CommandLine app("tool", "A tool.");
  app.option("--count", out.value, "number of things");
  testing::internal::CaptureStderr();
  out.status = app.parse({"--count", text});
  out.error = testing::internal::GetCapturedStderr();
  return out;
}

TEST(CommandLineValues, EmptyOnesAreRefusedIfTheOptionNeedsOne) {
  for (const char* given : {"--name", "--name="}) {
    std::string name, thing;
    CommandLine app("tool", "A tool.");
    app.option("--name", name, "a name").not_empty();
    app.option("THING", thing, "a thing");
    testing::internal::CaptureStderr();
    EXPECT_EQ(app.parse(std::string(given) == "--name" ? std::vector<std::string>{given, "", "x"}
                                                       : std::vector<std::string>{given, "x"}),
              2);
    EXPECT_EQ(testing::internal::GetCapturedStderr(),
              "tool: --name is empty; give a value, or remove the option; see tool --help\n");
  }
}

TEST(WholeNumbers, AreReadAsPythonReadsThem) {
  const std::pair<const char*, std::int64_t> values[] = {
      {"5", 5},
      {" 5", 5},
      {"5 ", 5},
      {"  5  ", 5},
      {"+5", 5},
      {"-5", -5},
      {"010", 10},
      {"1_000", 1000},
      {"-0", 0},
      {"000", 0},
      {"9223372036854775807", std::numeric_limits<std::int64_t>::max()}};
  for (const auto& [text, value] : values) {
    const Read read = read_count(text);
    EXPECT_EQ(read.status, std::nullopt) << "'" << text << "': " << read.error;
    EXPECT_EQ(read.value, value) << "'" << text << "'";
  }
}

TEST(WholeNumbers, ErrorNamesOptionValueAndRemedy) {
  const std::pair<const char*, const char*> values[] = {
      {"1e2", "--count 1e2: not a whole number; give 100"},
      {"1.5", "--count 1.5: not a whole number; give digits only, such as 100"},
      {"ten", "--count ten: not a whole number; give digits only, such as 100"},
      {"1__0", "--count 1__0: not a whole number"},
      {"_1", "--count _1: not a whole number"},
      {"1_", "--count 1_: not a whole number"},
      {"9223372036854775808", "--count 9223372036854775808: out of range; give a number from "}};
  for (const auto& [text, error] : values) {
    const Read read = read_count(text);
    EXPECT_EQ(read.status, 2) << "'" << text << "'";
    EXPECT_THAT(read.error, HasSubstr(error)) << "'" << text << "'";
  }
}

struct FlagRead {
  std::optional<int> status;
  bool given = false, word = false;
  std::vector<std::string> files;
  std::string error;
};

FlagRead read_flag(const std::vector<std::string>& arguments) {
  FlagRead out;
  CommandLine app("tool", "A tool.");
  app.flag_or_word("--resume", out.given, "auto", out.word, "resumes");
  app.option("FILE", out.files, "files");
  testing::internal::CaptureStderr();
  out.status = app.parse(arguments);
  out.error = testing::internal::GetCapturedStderr();
  return out;
}

TEST(FlagOrWord, ValueIsOnlyWhatFollowsTheEqualsSign) {
  const FlagRead none = read_flag({"a"});
  EXPECT_FALSE(none.given || none.word);
  const FlagRead flag = read_flag({"--resume", "auto"});
  EXPECT_TRUE(flag.given && !flag.word) << flag.error;
  EXPECT_EQ(flag.files, std::vector<std::string>{"auto"});
  const FlagRead word = read_flag({"--resume=auto", "a"});
  EXPECT_TRUE(word.given && word.word) << word.error;
  EXPECT_EQ(word.files, std::vector<std::string>{"a"});
}

TEST(FlagOrWord, OtherValuesAreErrorsThatNameTheKnownOnes) {
  for (const char* text : {"--resume=always", "--resume=false", "--resume=AUTO", "--resume=1"}) {
    const FlagRead read = read_flag({text});
    EXPECT_EQ(read.status, 2) << text;
    EXPECT_THAT(read.error, HasSubstr("unknown value; give --resume or --resume=auto")) << text;
  }
}

TEST(FlagOrWord, HelpShowsTheValue) {
  bool given = false, word = false;
  CommandLine app("tool", "A tool.");
  app.flag_or_word("--resume", given, "auto", word, "resumes");
  testing::internal::CaptureStdout();
  EXPECT_EQ(app.parse({"--help"}), 0);
  EXPECT_THAT(testing::internal::GetCapturedStdout(), HasSubstr("      --resume[=auto]  "));
}

}  // namespace
}  // namespace sweep
