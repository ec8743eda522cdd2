// agent/io: commands that ask Slurm something.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/io/slurm_query.hpp"
#include "util/os/clock.hpp"
#include "util/os/process.hpp"

namespace sweep::agent {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

class Query : public testing::Test {
 protected:
  void ask(const std::string& script) {
    query_.ask({"/bin/sh", "-c", script}, own_environment(), deadline_,
               [this](std::string text, std::string problem) {
                 answers_.emplace_back(std::move(text), std::move(problem));
               });
  }
  /// Waits for an answer, at most until the deadline.
  void wait() {
    while (answers_.empty() && now() < deadline_)
      loop_.step(deadline_);
  }

  const Instant deadline_ = now() + Millis(20'000);
  EventLoop loop_;
  SlurmQuery query_{loop_};
  std::vector<std::pair<std::string, std::string>> answers_;
};

TEST_F(Query, IsAnsweredOnceWithOutputAndErrors) {
  ask("echo out; echo err >&2");
  EXPECT_EQ(query_.deadline(), deadline_);
  wait();
  EXPECT_EQ(query_.deadline(), std::nullopt);
  query_.on_deadline(deadline_ + Millis(1));
  EXPECT_THAT(answers_, ElementsAre(Pair("out\nerr\n", "")));
}

TEST_F(Query, IsEndedAtItsDeadline) {
  ask("exec sleep 1000");
  query_.on_deadline(deadline_ - Millis(1));
  EXPECT_THAT(answers_, IsEmpty());
  query_.on_deadline(deadline_);
  query_.on_deadline(deadline_);
  EXPECT_THAT(answers_, ElementsAre(Pair("", "scontrol did not answer in time")));
}

TEST_F(Query, ReadsALimitedAmount) {
  ask("exec yes");
  wait();
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_GE(answers_[0].first.size(), std::size_t{64} << 10);
  EXPECT_LT(answers_[0].first.size(), std::size_t{129} << 10);
}

TEST_F(Query, CommandThatCannotBeStartedIsAProblem) {
  query_.ask({"/no/scontrol"}, own_environment(), deadline_, [this](std::string text, std::string problem) {
    answers_.emplace_back(std::move(text), std::move(problem));
  });
  EXPECT_THAT(answers_, ElementsAre(Pair("", HasSubstr("No such file or directory"))));
}

}  // namespace
}  // namespace sweep::agent
