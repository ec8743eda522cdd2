// util/option_names: which option a word of the command line stands for.
#include "util/option_names.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sweep {
namespace {

using testing::ElementsAre;
using Words = std::vector<std::string>;

const std::vector<OptionName> kNames = {{"--num-prompts", true},
                                        {"--num-warmups", true},
                                        {"--max-concurrency", true},
                                        {"--ignore-eos", false},
                                        {"--profile", false, "it is not here; give --other"},
                                        {"--help", false},
                                        {"-h", false},
                                        {"-n", true}};

Words found(const Words& arguments) {
  return with_full_names(arguments, kNames, NameMatching::Argparse).value_or(Words{"error"});
}

std::string error(const Words& arguments, NameMatching matching = NameMatching::Argparse) {
  const auto full = with_full_names(arguments, kNames, matching);
  return full ? "" : full.error().message;
}

TEST(OptionNames, UnderscoresAndAbbreviationsStandForTheFullName) {
  EXPECT_THAT(found({"--max_concurrency", "2", "--max", "3", "--max_c=4"}),
              ElementsAre("--max-concurrency", "2", "--max-concurrency", "3", "--max-concurrency=4"));
  EXPECT_THAT(found({"--ignore", "--num-p", "5", "x"}),
              ElementsAre("--ignore-eos", "--num-prompts", "5", "x"));
}

TEST(OptionNames, OnlyArgparseMatchesLoosely) {
  EXPECT_EQ(error({"--max", "2"}, NameMatching::Exact), "unknown option '--max'");
  EXPECT_EQ(error({"--max_concurrency", "2"}, NameMatching::Exact),
            "unknown option '--max_concurrency'; did you mean --max-concurrency?");
  EXPECT_EQ(error({"--max-concurrency", "2"}, NameMatching::Exact), "");
}

TEST(OptionNames, FirstUnknownOptionIsNamedWithTheNearest) {
  EXPECT_EQ(error({"--num-promts", "2", "--temperature", "0.7"}),
            "unknown option '--num-promts'; did you mean --num-prompts?");
  EXPECT_EQ(error({"--max_concurency", "2"}),
            "unknown option '--max_concurency'; did you mean --max-concurrency?");
  EXPECT_EQ(error({"--temperature", "0.7"}), "unknown option '--temperature'");
  EXPECT_EQ(error({"-ignore-eos"}), "unknown option '-ignore-eos'; did you mean --ignore-eos?");
  EXPECT_EQ(error({"-x"}), "unknown option '-x'");
}

TEST(OptionNames, AmbiguousAndRefusedOptionsAreErrors) {
  EXPECT_EQ(error({"--num", "2"}), "ambiguous option '--num': it could be --num-prompts or --num-warmups");
  EXPECT_EQ(error({"--profile"}), "--profile is not supported: it is not here; give --other");
  EXPECT_EQ(error({"--prof=1"}), "--profile is not supported: it is not here; give --other");
}

TEST(OptionNames, MissingValueIsAnErrorThatNamesTheOption) {
  EXPECT_EQ(error({"--num-prompts"}), "--num-prompts: its value is missing");
  EXPECT_EQ(error({"--num-prompts", "--ignore-eos"}), "--num-prompts: its value is missing");
  EXPECT_EQ(error({"-n"}), "-n: its value is missing");
  EXPECT_EQ(error({"--num-prompts", "--prof"}), "--num-prompts: its value is missing");  // a refused one
  EXPECT_EQ(error({"--num-prompts", "--num"}), "--num-prompts: its value is missing");   // one of two
}

TEST(OptionNames, ValueMayBeginWithADashIfItIsNoOptionOfTheProgram) {
  const std::vector<OptionName> names = {{"--select", true}, {"--quiet", false}, {"-n", true}};
  const auto full = [&](const std::vector<std::string>& arguments) {
    return with_full_names(arguments, names, NameMatching::Exact);
  };
  EXPECT_THAT(*full({"--select", "--seq-lens 1k1k", "--quiet"}),
              ElementsAre("--select=--seq-lens 1k1k", "--quiet"));
  EXPECT_THAT(*full({"--select", "--quiet 1"}), ElementsAre("--select=--quiet 1"));
  EXPECT_THAT(*full({"--select", "--full"}), ElementsAre("--select=--full"));
  EXPECT_THAT(*full({"-n", "-x"}), ElementsAre("-n", "-x"));
  EXPECT_EQ(full({"--select", "--quiet"}).error().message, "--select: its value is missing");
  EXPECT_EQ(full({"--select", "--"}).error().message, "--select: its value is missing");
}

TEST(OptionNames, ValuesAreUnchanged) {
  const Words words = {"--num-prompts", "-5", "-n", "-.5", "-n7", "-h", "a", "-", "--num-warmups=--max", "b"};
  EXPECT_EQ(found(words), words);
  const Words behind = {"--ignore-eos", "--", "--max", "--unknown", "-x"};
  EXPECT_EQ(found(behind), behind);
}

}  // namespace
}  // namespace sweep
