// controller/matrix/options: the rules of argparse.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/matrix/options.hpp"
#include "controller/matrix/subcommands.hpp"

namespace sweep::matrix {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const CommandSpec& command() {
  static const CommandSpec kCommand{
      "cmd",
      "A command.",
      {{.name = "--config-files", .arity = Arity::Many, .help = "", .required = true},
       {.name = "--seq-lens", .arity = Arity::Many, .help = "", .choices = {"1k1k", "8k1k"}},
       {.name = "--step-size", .arity = Arity::One, .help = "", .integer = true},
       {.name = "--runner-type", .arity = Arity::One, .help = ""},
       {.name = "--runner-config", .arity = Arity::One, .help = ""},
       {.name = "--test-mode", .arity = Arity::Flag, .help = ""}}};
  return kCommand;
}

Options good(std::vector<std::string> args) {
  args.insert(args.begin(), {"--config-files", "f"});
  const auto options = parse_options(command(), args);
  EXPECT_TRUE(options) << options.error().message;
  return options.value_or(Options{});
}

std::string bad(const std::vector<std::string>& args) {
  const auto options = parse_options(command(), args);
  return options ? "" : options.error().message;
}

TEST(MatrixOptions, ReadsValuesFlagsAndLists) {
  const Options options = good({"--seq-lens", "1k1k", "8k1k", "--step-size", "3", "--test-mode"});
  EXPECT_THAT(options.list("--config-files"), ElementsAre("f"));
  EXPECT_THAT(options.list("--seq-lens"), ElementsAre("1k1k", "8k1k"));
  EXPECT_EQ(options.integer("--step-size", 2), 3);
  EXPECT_TRUE(options.has("--test-mode"));
  EXPECT_EQ(options.text("--runner-type"), "");
  EXPECT_EQ(good({}).integer("--step-size", 2), 2);
  EXPECT_FALSE(good({}).has("--test-mode"));
}

TEST(MatrixOptions, AcceptsUnambiguousAbbreviations) {
  EXPECT_EQ(good({"--st", "3"}).integer("--step-size", 2), 3);
  EXPECT_EQ(good({"--runner-t", "h100"}).text("--runner-type"), "h100");
  EXPECT_TRUE(good({"--test"}).has("--test-mode"));
  EXPECT_EQ(bad({"--config-files", "f", "--runner", "x"}),
            "ambiguous option: --runner could match --runner-type, --runner-config");
}

TEST(MatrixOptions, LastOfARepeatedOptionWins) {
  EXPECT_THAT(good({"--seq-lens", "1k1k", "--seq-lens", "8k1k"}).list("--seq-lens"), ElementsAre("8k1k"));
  EXPECT_EQ(good({"--step-size", "3", "--step", "4"}).integer("--step-size", 2), 4);
}

TEST(MatrixOptions, EqualsSignAttachesAValue) {
  EXPECT_EQ(good({"--runner-type=a=b"}).text("--runner-type"), "a=b");
  EXPECT_EQ(good({"--runner-type="}).text("--runner-type"), "");
  EXPECT_EQ(bad({"--config-files", "f", "--test-mode=1"}),
            "argument --test-mode: ignored explicit argument '1'");
}

TEST(MatrixOptions, ReadsIntegersAsPythonDoes) {
  for (const auto& [text, value] : std::initializer_list<std::pair<const char*, std::int64_t>>{
           {"-2", -2}, {"+7", 7}, {" 07 ", 7}, {"1_000", 1000}}) {
    EXPECT_EQ(good({"--step-size", text}).integer("--step-size", 2), value) << text;
  }
  for (const char* text : {"2.5", "two", "", "1__0", "_1", "1_", "0x2"}) {
    EXPECT_EQ(bad({"--config-files", "f", "--step-size", text}),
              "argument --step-size: invalid int value: '" + std::string(text) + "'");
  }
}

TEST(MatrixOptions, ErrorNamesMissingOrInvalidOptions) {
  EXPECT_EQ(bad({}), "the following arguments are required: --config-files");
  EXPECT_EQ(bad({"--config-files"}), "argument --config-files: expected at least one argument");
  EXPECT_EQ(bad({"--config-files", "--test-mode"}),
            "argument --config-files: expected at least one argument");
  EXPECT_EQ(bad({"--config-files", "f", "--step-size"}), "argument --step-size: expected one argument");
  EXPECT_EQ(bad({"--config-files", "f", "--seq-lens", "1k2k"}),
            "argument --seq-lens: invalid choice: '1k2k' (choose from 1k1k, 8k1k)");
}

TEST(MatrixOptions, UnknownOptionSuggestsTheNearestName) {
  EXPECT_EQ(bad({"--config-files", "f", "--step-sise", "3"}),
            "unrecognized arguments: --step-sise 3 (did you mean --step-size?)");
  EXPECT_EQ(bad({"--config-file=f"}), "") << "an abbreviation with a value is accepted";
  EXPECT_EQ(bad({"--confog-files", "f"}),
            "unrecognized arguments: --confog-files f (did you mean --config-files?)")
      << "reported instead of the missing --config-files";
  EXPECT_EQ(bad({"--config-files", "f", "--", "x"}), "unrecognized arguments: -- x");
  EXPECT_EQ(bad({"x", "--config-files", "f"}), "unrecognized arguments: x");
}

TEST(MatrixOptions, HelpNeedsNoRequiredOption) {
  for (const char* help : {"-h", "--help", "--he"}) {
    const std::vector<std::string> args = {help};
    const auto options = parse_options(command(), args);
    ASSERT_TRUE(options);
    EXPECT_TRUE(options->help);
  }
}

TEST(MatrixOptions, HelpTakesNoValueAndAmbiguityIsReportedFirst) {
  EXPECT_EQ(bad({"--help=x"}), "argument -h/--help: ignored explicit argument 'x'");
  EXPECT_EQ(bad({"-h=1"}), "argument -h/--help: ignored explicit argument '1'");
  EXPECT_EQ(bad({"--help", "--runner", "x"}),
            "ambiguous option: --runner could match --runner-type, --runner-config");
}

TEST(MatrixOptions, ArgumentWithABlankIsAValueUnlessTheOptionIsKnown) {
  EXPECT_EQ(good({"--runner-type", "-- the new one"}).text("--runner-type"), "-- the new one");
  EXPECT_EQ(good({"--runner-type", "-x y"}).text("--runner-type"), "-x y");
  EXPECT_EQ(good({"--runner-type=a b"}).text("--runner-type"), "a b");
  EXPECT_EQ(good({"--runner-type", "x", "--runner-config=a b"}).text("--runner-config"), "a b");
  EXPECT_EQ(bad({"--config-files", "f", "--runner-type", "--step-size=1 2"}),
            "argument --runner-type: expected one argument");
}

TEST(MatrixOptions, UsageAndHelpNameEveryOption) {
  for (const CommandSpec& spec : subcommands()) {
    const std::string usage = usage_text(spec, "sweepctl matrix");
    EXPECT_TRUE(usage.starts_with("usage: sweepctl matrix " + spec.name));
    const std::string help = help_text(spec, "sweepctl matrix");
    for (const OptionSpec& option : spec.options) {
      EXPECT_EQ(usage.find("[" + option.name) == std::string::npos, option.required && !option.only)
          << option.name;
      EXPECT_THAT(usage, HasSubstr(option.name));
      EXPECT_THAT(help, HasSubstr("  " + option.name)) << spec.name;
      EXPECT_FALSE(option.help.empty()) << option.name;
    }
    for (std::size_t at = 0, end = 0; (end = usage.find('\n', at)) != std::string::npos; at = end + 1) {
      EXPECT_LE(end - at, 79u) << usage;
    }
  }
}

TEST(MatrixOptions, SubcommandsAreTheContractsFive) {
  std::vector<std::string> names;
  for (const CommandSpec& spec : subcommands()) {
    names.push_back(spec.name);
    EXPECT_EQ(spec.options.front().name, "--config-files") << "required by every subcommand";
    EXPECT_TRUE(spec.options.front().required);
  }
  EXPECT_THAT(names,
              ElementsAre("full-sweep", "test-config", "runner-model-sweep", "runner-sweep", "custom"));
}

}  // namespace
}  // namespace sweep::matrix
