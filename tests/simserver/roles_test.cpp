// The parts of a request that prefill and decode workers compute, and the time between them.
#include <gmock/gmock.h>

#include "benchmarks/sweep-simserver/core/engine.hpp"
#include "benchmarks/sweep-simserver/core/fixed_pace.hpp"
#include "benchmarks/sweep-simserver/core/kv_transfer.hpp"
#include "benchmarks/sweep-simserver/core/role.hpp"
#include "tests/simserver/setups.hpp"

namespace sweep::sim_server {
namespace {

using std::chrono::milliseconds;

// Advances a timeline from event to event, until it has no more work. Returns the times of its tokens.
std::vector<Time> token_times(Timeline& timeline) {
  std::vector<TokenEvent> events;
  while (const auto next = timeline.next_time())
    timeline.advance(*next, events);
  std::vector<Time> out;
  for (const TokenEvent& event : events)
    out.push_back(event.at);
  return out;
}

Engine engine() {
  const CostModel cost = cost_model(deployment("dsr1", "b200", Precision::Fp4, 8));
  return *Engine::make(cost, {});
}

TEST(Roles, HaveTheWordsOfTheOption) {
  for (const Role role : {Role::Prefill, Role::Decode, Role::Router})
    EXPECT_EQ(role_of(name_of(role)), role);
  EXPECT_FALSE(role_of("server"));
  EXPECT_FALSE(role_of(""));
}

TEST(Roles, PrefillWorkerGeneratesOneTokenWithoutAStream) {
  const Generation whole{.prompts = {5, 6}, .max_tokens = 100, .stream = true, .include_usage = true};
  const Generation part = part_of(Role::Prefill, whole);
  EXPECT_EQ(part.prompts, whole.prompts);
  EXPECT_EQ(part.max_tokens, 1U);
  EXPECT_FALSE(part.stream || part.include_usage);
  for (const Role role : {Role::Server, Role::Decode}) {
    EXPECT_EQ(part_of(role, whole).max_tokens, 100U);
    EXPECT_TRUE(part_of(role, whole).stream);
  }
}

TEST(Roles, DecodeWorkerDoesNotComputeThePrompt) {
  Engine whole = engine(), decode = engine(), short_prompt = engine();
  ASSERT_TRUE(whole.submit({.id = 1, .prompt_tokens = 8192, .output_tokens = 4}, Time{}));
  ASSERT_TRUE(decode.submit({.id = 1, .prompt_tokens = 8192, .output_tokens = 4, .prefilled = true}, Time{}));
  ASSERT_TRUE(short_prompt.submit({.id = 1, .prompt_tokens = 1, .output_tokens = 4}, Time{}));
  const auto all = token_times(whole), part = token_times(decode), least = token_times(short_prompt);
  ASSERT_EQ(part.size(), 4U);
  EXPECT_LT(part[0] * 5, all[0]);
  EXPECT_GT(part[0], least[0]) << "its step reads the cache of the prompt";
  EXPECT_EQ(part[3] - part[0], all[3] - all[0]) << "the other tokens take the same time";
}

TEST(Roles, CacheOfAPrefilledPromptIsCounted) {
  Engine decode = engine();
  ASSERT_TRUE(decode.submit({.id = 1, .prompt_tokens = 8192, .output_tokens = 4, .prefilled = true}, Time{}));
  std::vector<TokenEvent> events;
  decode.advance(Time{}, events);
  EXPECT_EQ(decode.load().blocks_used, 8192 / kBlock);
  EXPECT_EQ(decode.check_invariants(), "");
}

TEST(Roles, PreemptedPromptIsComputedAgain) {
  const CostModel cost = cost_model(deployment("llama70b", "h100", Precision::Bf16, 4));
  Engine engine = *Engine::make(cost, {});
  // All prompts fit, but not their outputs.
  constexpr std::uint32_t kPrompt = 2048, kOutput = 400;
  const std::uint64_t sequences = engine.load().blocks * kBlock / kPrompt;
  for (std::uint64_t id = 0; id < sequences; ++id)
    ASSERT_TRUE(engine.submit(
        {.id = id, .prompt_tokens = kPrompt, .output_tokens = kOutput, .prefilled = true}, Time{}));
  std::vector<TokenEvent> events;
  while (const auto next = engine.next_time()) {
    engine.advance(*next, events);
    ASSERT_EQ(engine.check_invariants(), "");
  }
  EXPECT_EQ(events.size(), sequences * kOutput);
  EXPECT_GT(engine.load().preemptions, 0U);
}

TEST(Roles, FixedLatencyOfADecodeWorkerHasNoTtft) {
  FixedPace pace(milliseconds(100), milliseconds(10));
  ASSERT_TRUE(pace.submit({.id = 1, .prompt_tokens = 8, .output_tokens = 3, .prefilled = true}, Time{}));
  EXPECT_EQ(token_times(pace), (std::vector<Time>{milliseconds(0), milliseconds(10), milliseconds(20)}));
}

KvTransfer transfer_of_5_ms() {
  return {std::make_unique<FixedPace>(milliseconds(100), milliseconds(10)), milliseconds(5)};
}

TEST(KvTransfer, DelaysEachToken) {
  KvTransfer worker = transfer_of_5_ms();
  ASSERT_TRUE(worker.submit({.id = 1, .prompt_tokens = 8, .output_tokens = 1}, Time{}));
  ASSERT_TRUE(worker.submit({.id = 2, .prompt_tokens = 8, .output_tokens = 1}, milliseconds(2)));
  EXPECT_EQ(token_times(worker), (std::vector<Time>{milliseconds(105), milliseconds(107)}));
}

TEST(KvTransfer, CancelledSequenceHasNoToken) {
  KvTransfer worker = transfer_of_5_ms();
  ASSERT_TRUE(worker.submit({.id = 1, .prompt_tokens = 8, .output_tokens = 1}, Time{}));
  std::vector<TokenEvent> events;
  worker.advance(milliseconds(102), events);  // the transfer is in progress
  EXPECT_TRUE(worker.cancel(1));
  EXPECT_FALSE(worker.cancel(1));
  EXPECT_EQ(token_times(worker), std::vector<Time>{});
  EXPECT_TRUE(events.empty());
}

}  // namespace
}  // namespace sweep::sim_server
