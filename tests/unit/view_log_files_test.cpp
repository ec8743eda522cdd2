// view: which log files a person means.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/view/log_files.hpp"

namespace sweep::view {
namespace {

using testing::HasSubstr;

const std::vector<std::string> kNames = {"a_conc4_n1.attempt1.err",
                                         "a_conc4_n1.attempt1.out",
                                         "a_conc4_n2.attempt2.out",
                                         "a_conc4_n2.attempt10.out",
                                         "a_conc64_n1.attempt1.out",
                                         "controller.log",
                                         "a_conc4_n1",
                                         "x.attemptz.out",
                                         "x.attempt0.out",
                                         "x.attempt1.log"};

std::string chosen(const std::string& text, std::optional<std::int64_t> attempt = {}) {
  const auto logs = choose_logs(attempt_logs(kNames), text, attempt);
  return logs ? logs->file(false) : logs.error().message;
}

TEST(LogFiles, LogsOfAttemptsAreFound) {
  const auto all = attempt_logs(kNames);
  ASSERT_EQ(all.size(), 4U);
  EXPECT_TRUE(all[0].has_out && all[0].has_err);
  EXPECT_FALSE(all[1].has_err);
  EXPECT_EQ(all[0].file(true), "a_conc4_n1.attempt1.err");
  EXPECT_EQ(logs_list(all), "a_conc4_n1\na_conc4_n2, attempt 2\na_conc4_n2, attempt 10\na_conc64_n1\n");
}

TEST(LogFiles, LastAttemptOfThePointIsChosen) {
  EXPECT_EQ(chosen("conc4_"), "a_conc4_n2.attempt10.out");
  EXPECT_EQ(chosen("conc4_", 1), "a_conc4_n1.attempt1.out");
  EXPECT_EQ(chosen("conc64"), "a_conc64_n1.attempt1.out");
}

TEST(LogFiles, WholeNameIsPreferredToAPart) {
  const auto all = attempt_logs({"conc4.attempt1.out", "conc4_n1.attempt1.out"});
  EXPECT_EQ(choose_logs(all, "conc4", {})->stem, "conc4");
}

TEST(LogFiles, UnclearNameListsThePossibleOnes) {
  EXPECT_EQ(
      chosen("conc"),
      "the logs of several points have 'conc' in their names; name one of:\n  a_conc4_n1\n  a_conc4_n2, attempt "
      "2\n  a_conc4_n2, attempt 10\n  a_conc64_n1");
  EXPECT_THAT(chosen("tp8"), HasSubstr("no log has 'tp8' in its name; there are:\n  a_conc4_n1\n"));
  EXPECT_THAT(chosen("conc4_", 3), HasSubstr("there is no log of attempt 3; there are:\n  a_conc4_n1\n"));
  std::vector<std::string> many;
  for (int i = 0; i < 12; ++i)
    many.push_back("p" + std::to_string(i) + ".attempt1.out");
  EXPECT_THAT(choose_logs(attempt_logs(many), "x", {}).error().message, HasSubstr("\n  and 4 more"));
}

}  // namespace
}  // namespace sweep::view
