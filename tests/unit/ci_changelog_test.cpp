// controller/ci/changelog: the lines that a changelog gained and its entries.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/ci/changelog.hpp"

namespace sweep::ci {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::string kHead = "diff --git a/c.yaml b/c.yaml\nindex 1..2 100644\n--- a/c.yaml\n+++ b/c.yaml\n";

std::string problem(const std::string& entry) {
  AddedLines added;
  added.text = entry;
  for (int i = 0; i < 20; ++i)
    added.numbers.push_back(101 + i);
  const auto read = read_changelog(added, "c.yaml");
  return read ? "" : read.error().message;
}

TEST(CiChangelog, AddedLinesKeepTheirNumbersInTheFile) {
  const auto added = added_lines(
      kHead + "@@ -1,2 +1,4 @@\n first\n+second\n+++ third\n last\n@@ -9 +11,2 @@ x\n y\n+z\n", "c.yaml");
  ASSERT_TRUE(added) << added.error().message;
  EXPECT_EQ(added->text, "second\n++ third\nz");
  EXPECT_THAT(added->numbers, ElementsAre(2, 3, 12));
}

TEST(CiChangelog, DeletionsAndEmptyChangesAreRefused) {
  EXPECT_EQ(
      added_lines(kHead + "@@ -1 +1 @@\n-  old\n+new\n", "c.yaml").error().message,
      "Deletions are not allowed in c.yaml. Only additions to the changelog are permitted. Found deleted line:   old");
  EXPECT_THAT(added_lines(kHead + "@@ -1 +1 @@\n--- x\n+new\n", "c.yaml").error().message,
              HasSubstr("Found deleted line: -- x"))
      << "a deleted line that looks like the head of a file";
  EXPECT_TRUE(added_lines(kHead + "@@ -1 +1 @@\n-  \n+new\n", "c.yaml")) << "a blank line may go";
  EXPECT_EQ(added_lines("", "c.yaml").error().message, "No additions found in the changelog file.");
  EXPECT_EQ(added_lines(kHead + "@@ -1 +1,2 @@\n+\n", "c.yaml").error().message,
            "No additions found in the changelog file.");
}

TEST(CiChangelog, EntriesAreReadWithTheirDefaults) {
  AddedLines added{
      "- config-keys: [a, 'b*']\n  description: [d]\n  pr-link: l\n  all-evals: on\n"
      "  eval-min-prefill-ep: 4\n  scenario-type: [agentic-coding]",
      {1, 2, 3, 4, 5, 6}};
  const auto entries = read_changelog(added, "c.yaml").value();
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_THAT(entries[0].config_keys, ElementsAre("a", "b*"));
  EXPECT_TRUE(entries[0].all_evals);
  EXPECT_FALSE(entries[0].evals_only || entries[0].append_only);
  EXPECT_EQ(entries[0].eval_min_prefill_ep, 4);
  EXPECT_FALSE(entries[0].has_scenario("fixed-seq-len"));
  EXPECT_TRUE(entries[0].has_scenario("agentic-coding"));
}

TEST(CiChangelog, ProblemsNameTheLineOfTheFile) {
  const std::string head = "Changelog entry 1 of the additions failed validation: ";
  const std::string entry = "- config-keys: [a]\n  description: [d]\n  pr-link: l\n";
  EXPECT_EQ(problem(entry + "  comment: x\n"),
            "c.yaml:104: " + head +
                "comment: unknown key; known keys: config-keys, description, pr-link, evals-only, "
                "all-evals, append-only, eval-min-prefill-ep, scenario-type");
  EXPECT_EQ(problem("- config-keys: [a]\n  description: [d]\n"),
            "c.yaml:101: " + head + "pr-link: required key is missing; add it");
  EXPECT_EQ(problem("- config-keys: []\n  description: [d]\n  pr-link: l\n"),
            "c.yaml:101: " + head + "config-keys: must not be empty");
  EXPECT_EQ(problem(entry + "  eval-min-prefill-ep: 0\n"),
            "c.yaml:104: " + head + "eval-min-prefill-ep: must be at least 1, got 0");
  EXPECT_EQ(
      problem(entry + "  scenario-type: [agentic]\n"),
      "c.yaml:104: " + head + "scenario-type: must have 'fixed-seq-len' or 'agentic-coding', got 'agentic'");
  EXPECT_EQ(problem(entry + "  append-only: yes\n  all-evals: yes\n"),
            "c.yaml:101: " + head + "append-only cannot be combined with eval selection fields");
  EXPECT_EQ(problem("# nothing\n"), "No valid YAML entries found in the changelog additions.");
  EXPECT_EQ(problem("a: b\n"), "c.yaml:101: the additions must be a list of entries, got a mapping");
  EXPECT_THAT(problem("- a\n\tb: c\n"), HasSubstr("c.yaml: line 102, column"));
}

TEST(CiChangelog, KeysAreResolvedOnceInTheOrderOfTheFiles) {
  const std::vector<std::string> keys = {"a-x", "b-x", "b-y"};
  EXPECT_THAT(resolve_keys({"b-y", "*-x", "b*"}, keys).value(), ElementsAre("b-y", "a-x", "b-x"));
  EXPECT_EQ(resolve_keys({"a-z"}, keys).error().message,
            "Config key 'a-z' not found in master configs. Did you mean 'a-x'?");
  EXPECT_EQ(resolve_keys({"nope-*"}, keys).error().message,
            "No config keys matched the wildcard pattern 'nope-*' in master configs.");
  EXPECT_FALSE(resolve_keys({"?-x"}, keys)) << "only * has a meaning";
}

}  // namespace
}  // namespace sweep::ci
