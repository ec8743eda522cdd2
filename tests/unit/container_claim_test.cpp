// container/io/claim and process_token: holders of claims, and taking over from a dead holder.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "container/io/claim.hpp"
#include "tests/unit/net_folder.hpp"
#include "util/os/clock.hpp"

namespace sweep::container {
namespace {

using testing::IsEmpty;

class Claims : public InFolder {
 protected:
  std::string at() const { return path(".x.claim"); }
};

/// Starts a child process that calls `what` and then waits to be killed. Returns after the call has ended.
template <class What>
pid_t child_after(What what) {
  int ready[2];
  EXPECT_EQ(::pipe(ready), 0);
  const pid_t pid = ::fork();
  if (pid == 0) {
    auto kept = what();
    char done = 'x';
    std::ignore = ::write(ready[1], &done, 1);
    ::pause();
    ::_exit(0);
  }
  char got = 0;
  EXPECT_EQ(::read(ready[0], &got, 1), 1);
  ::close(ready[0]);
  ::close(ready[1]);
  return pid;
}

void end(pid_t pid) {
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

TEST_F(Claims, OnlyOneProcessHoldsAClaimUntilItIsReleased) {
  {
    auto first = Claim::take(at());
    ASSERT_TRUE(first && *first);
    EXPECT_TRUE((*first)->is_still_ours());
    const auto second = Claim::take(at());
    ASSERT_TRUE(second);
    EXPECT_FALSE(*second);
  }
  EXPECT_THAT(listing(), IsEmpty());
}

TEST_F(Claims, UnwritableFolderIsNamedInTheError) {
  const auto claim = Claim::take(path("none/.x.claim"));
  ASSERT_FALSE(claim);
  EXPECT_NE(claim.error().message.find("none"), std::string::npos);
}

TEST_F(Claims, ClaimOfALivingProcessIsNotDeadAndItsEndIsReported) {
  const pid_t child = child_after([&] { return Claim::take(at()); });
  ClaimObserver observer(at());
  const auto holder = observer.update(now());
  ASSERT_TRUE(holder);
  EXPECT_EQ(holder->token.pid, child);
  EXPECT_FALSE(observer.is_dead(now() + Millis(1'000'000)));
  EXPECT_GE(observer.process_end(), 0);
  end(child);
  EXPECT_TRUE(observer.is_dead(now()));
  {
    const auto next = Claim::take(at(), holder);
    ASSERT_TRUE(next && *next);
    EXPECT_THAT(listing(), testing::ElementsAre(".x.claim.2"));
  }
  EXPECT_THAT(listing(), IsEmpty());
}

TEST_F(Claims, OnlyOneProcessTakesOverADeadClaim) {
  const pid_t dead = child_after([&] { return Claim::take(at()); });
  ClaimObserver first(at()), second(at());
  const auto seen = first.update(now());
  ASSERT_TRUE(second.update(now()));
  end(dead);
  const auto one = Claim::take(at(), seen);
  ASSERT_TRUE(one && *one);
  // A second process that saw the same dead holder is too late and sees the new holder.
  const auto late = Claim::take(at(), seen);
  ASSERT_TRUE(late);
  EXPECT_FALSE(*late);
  EXPECT_EQ(second.update(now())->token.pid, ::getpid());
  EXPECT_TRUE((*one)->is_still_ours());
}

/// The liveness of processes of another machine cannot be checked.
TEST_F(Claims, ClaimOfAnotherMachineIsDeadAfterSilence) {
  const std::string file = put(".x.claim.3", "elsewhere+boot+1~4711~123");
  ClaimObserver observer(at());
  const Instant seen = now();
  ASSERT_TRUE(observer.update(seen));
  EXPECT_FALSE(observer.is_dead(seen + Claim::kSilence - Millis(1)));
  EXPECT_TRUE(observer.is_dead(seen + Claim::kSilence));
  ::utimensat(AT_FDCWD, file.c_str(), nullptr, 0);
  ASSERT_TRUE(observer.update(seen + Claim::kSilence));
  EXPECT_FALSE(observer.is_dead(seen + Claim::kSilence));
}

TEST_F(Claims, TouchingProcessEndsWithTheClaim) {
  auto claim = Claim::take(at());
  ASSERT_TRUE(claim && *claim);
  const timespec old[2] = {{1, 0}, {1, 0}};
  ::utimensat(AT_FDCWD, (at() + ".1").c_str(), old, 0);
  // The file is touched every kTouch by a child process; this checks only that the child ends with the claim.
  const ProcessToken self = token_of(::getpid());
  EXPECT_EQ(liveness_of(self), Liveness::Alive);
  claim->reset();
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);  // no child is left
}

TEST(Tokens, TokenIsTheSameAfterARoundTrip) {
  const ProcessToken self = token_of(::getpid());
  EXPECT_EQ(token_in(token_text(self)), self);
  EXPECT_EQ(liveness_of(self), Liveness::Alive);
  for (const char* bad : {"", "a", "a~b", "a~x~1", "~1~1", "a~1~2~3", "a~99999999999~1"})
    EXPECT_FALSE(token_in(bad)) << bad;
}

TEST(Tokens, ReusedPidIsAnotherProcess) {
  ProcessToken other = token_of(::getpid());
  other.start += "0";
  EXPECT_EQ(liveness_of(other), Liveness::Dead);
}

TEST(Tokens, ProcessFromBeforeARebootIsDead) {
  ProcessToken before = token_of(::getpid());
  const auto plus = before.host.find('+');
  before.host =
      before.host.substr(0, plus) + "+00000000" + before.host.substr(before.host.find('+', plus + 1));
  EXPECT_EQ(liveness_of(before), Liveness::Dead);
  before.host = "x" + before.host;
  EXPECT_EQ(liveness_of(before), Liveness::OtherMachine);
}

}  // namespace
}  // namespace sweep::container
