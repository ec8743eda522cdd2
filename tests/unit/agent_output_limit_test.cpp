// agent/core: how much of an attempt's output is sent, and when reading it pauses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/core/output_limit.hpp"
#include "tests/unit/agent_fixture.hpp"

namespace sweep::agent {
namespace {

using testing::HasSubstr;

TEST(OutputLimit, SendsEverythingBelowTheLimit) {
  OutputLimit limit(1'600);
  EXPECT_EQ(limit.take(false, std::string(700, 'a')), 700U);
  EXPECT_EQ(limit.take(true, std::string(700, 'b')), 700U);
  EXPECT_TRUE(limit.finish(100).empty());
}

TEST(OutputLimit, NothingIsLeftOutAsLongAsItFits) {
  OutputLimit limit(1'600);  // 1,400 bytes at the beginning, 100 at the end of each stream
  EXPECT_EQ(limit.take(false, std::string(1'400, 'a') + std::string(100, 'z')), 1'400U);
  const auto rest = limit.finish(64);
  ASSERT_EQ(rest.size(), 2U);
  EXPECT_EQ(rest[0].bytes + rest[1].bytes, std::string(100, 'z'));
}

TEST(OutputLimit, KeepsBeginningAndEndWithANoteBetween) {
  OutputLimit limit(1'600);
  EXPECT_EQ(limit.take(false, std::string(1'400, 'a')), 1'400U);
  for (int i = 0; i < 1'000; ++i)
    EXPECT_EQ(limit.take(false, "line\n"), 0U);
  EXPECT_EQ(limit.take(true, "what failed\n"), 0U);
  const auto rest = limit.finish(10'000);
  ASSERT_EQ(rest.size(), 2U);
  EXPECT_FALSE(rest[0].is_stderr);
  EXPECT_THAT(rest[0].bytes, HasSubstr("[slurm-sweep: 4900 bytes of this output were left out here"));
  EXPECT_THAT(rest[0].bytes,
              HasSubstr("limited to 1600 bytes; to keep more, set log-limit in the profile]\nline"));
  EXPECT_TRUE(rest[1].is_stderr);
  EXPECT_EQ(rest[1].bytes, "what failed\n");
  EXPECT_TRUE(limit.finish(10'000).empty()) << "the end is sent once";
  EXPECT_EQ(limit.take(false, "late"), 0U);
}

TEST(OutputLimit, OneLargePieceIsCutToo) {
  OutputLimit limit(1'600);
  EXPECT_EQ(limit.take(false, std::string(1'000'000, 'a') + "end"), 1'400U);
  const auto rest = limit.finish(10'000);
  ASSERT_EQ(rest.size(), 1U);
  EXPECT_TRUE(rest[0].bytes.ends_with("aaend"));
  EXPECT_LT(rest[0].bytes.size(), 400U);
}

/// Returns the output that was sent for the point, both streams together.
std::string output(const ScriptedAgent& agent, const std::string& point) {
  std::string out;
  for (const Send& send : agent.sent) {
    const auto* chunk = std::get_if<wire::LogChunk>(&send.message);
    if (chunk != nullptr && chunk->ref.point == point) out += send.bulk;
  }
  return out;
}

wire::Welcome welcome_with(std::int64_t limit, std::int64_t window) {
  wire::Welcome welcome{"s", true, 10'000, 5'000};
  welcome.log_limit = limit;
  welcome.log_window = window;
  return welcome;
}

TEST(AgentOutput, EndOfALongOutputIsSentOnceBeforeFinished) {
  ScriptedAgent agent;
  agent.connect();
  agent.receive(welcome_with(1'600, 0));
  agent.lease_and_start("p", 4);
  agent.print("p", std::string(3'000, 'a'));
  agent.print("p", "the reason\n", true);
  agent.leave_result("p", "{}");
  agent.exit("p");
  const std::string text = output(agent, "p");
  EXPECT_THAT(text, HasSubstr("bytes of this output were left out here"));
  EXPECT_TRUE(text.ends_with("the reason\n")) << text;
  agent.pass(Millis(120'000));  // Finished is sent again
  EXPECT_GE(agent.messages<wire::Finished>().size(), 2U);
  EXPECT_EQ(output(agent, "p"), text);
}

TEST(AgentOutput, EachAttemptHasItsOwnLimit) {
  ScriptedAgent agent;
  agent.connect();
  agent.receive(welcome_with(1'600, 0));
  agent.lease_and_start("p", 2);
  agent.lease_and_start("q", 2);
  agent.print("p", std::string(3'000, 'a'));
  agent.print("q", std::string(1'000, 'b'));
  EXPECT_EQ(output(agent, "p").size(), 1'400U);
  EXPECT_EQ(output(agent, "q").size(), 1'000U);
}

TEST(AgentOutput, ReadingPausesUntilTheControllerHasHandledWhatWasSent) {
  ScriptedAgent agent;
  agent.connect();
  agent.receive(welcome_with(0, 1'000));
  agent.lease_and_start("p", 4);
  agent.print("p", std::string(999, 'a'));
  EXPECT_FALSE(agent.paused);
  agent.print("p", "a");
  EXPECT_TRUE(agent.paused);
  agent.receive(wire::LogCredit{499});
  EXPECT_TRUE(agent.paused) << "it resumes when half of the window is free";
  agent.receive(wire::LogCredit{1});
  EXPECT_FALSE(agent.paused);
}

TEST(AgentOutput, ReadingResumesOnANewConnection) {
  ScriptedAgent agent;
  agent.connect();
  agent.receive(welcome_with(0, 1'000));
  agent.lease_and_start("p", 4);
  agent.print("p", std::string(5'000, 'a'));
  EXPECT_TRUE(agent.paused);
  agent.disconnect();
  agent.connect();
  EXPECT_FALSE(agent.paused);
  agent.receive(welcome_with(0, 1'000));
  EXPECT_FALSE(agent.paused);
}

}  // namespace
}  // namespace sweep::agent
