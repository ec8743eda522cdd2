// The scheduler: which work a step contains, memory limits, and (with many seeds) that every sequence
// finishes.
#include "benchmarks/sweep-simserver/core/engine.hpp"

#include <gmock/gmock.h>

#include <map>

#include "tests/simserver/setups.hpp"
#include "tests/unit/seeds.hpp"

namespace sweep::sim_server {
namespace {

using testing::HasSubstr;

Engine make_engine(const Limits& limits = {}, double memory = 0.9) {
  Deployment setup = deployment("llama70b", "h200", Precision::Fp8, 1);
  setup.memory_utilization = memory;
  return *Engine::make(cost_model(setup), limits);
}

// Runs until there is no work. Returns the tokens of each sequence in the order in which they were generated.
std::map<std::uint64_t, std::vector<TokenEvent>> run(Engine& engine) {
  std::map<std::uint64_t, std::vector<TokenEvent>> out;
  std::vector<TokenEvent> events;
  while (const auto at = engine.next_time()) {
    events.clear();
    engine.advance(*at, events);
    EXPECT_EQ(engine.check_invariants(), "");
    for (const TokenEvent& event : events)
      out[event.id].push_back(event);
  }
  return out;
}

TEST(Engine, EachStepGeneratesOneToken) {
  Engine engine = make_engine();
  ASSERT_TRUE(engine.submit({7, 100, 3}, Time(5000)));
  EXPECT_EQ(engine.next_time(), Time(5000));  // it takes part from the next advance() on
  const auto tokens = run(engine).at(7);
  ASSERT_EQ(tokens.size(), 3U);
  EXPECT_EQ(engine.load().steps, 3U);
  // The first step computes the prompt, each other step one token.
  const auto& cost = engine.cost();
  const auto expected = [&](const Batch& batch) {
    return Time(std::llround(cost.step_seconds(batch) * 1e9));
  };
  EXPECT_EQ(tokens[0].at - Time(5000), expected(prefilling(100)));
  EXPECT_EQ(tokens[1].at - tokens[0].at, expected(decoding(1, 101)));
  EXPECT_FALSE(tokens[1].last);
  EXPECT_TRUE(tokens[2].last);
  EXPECT_EQ(engine.next_time(), std::nullopt);
  EXPECT_EQ(engine.load().blocks_used, 0U);
}

TEST(Engine, LongPromptIsSplitIntoParts) {
  Engine engine = make_engine({.max_num_batched_tokens = 512});
  ASSERT_TRUE(engine.submit({1, 2000, 1}, Time(0)));
  EXPECT_EQ(run(engine).at(1).size(), 1U);
  EXPECT_EQ(engine.load().steps, 4U);  // 512 + 512 + 512 + 464
}

TEST(Engine, DecodingContinuesDuringALongPrompt) {
  Engine engine = make_engine({.max_num_batched_tokens = 512});
  std::vector<TokenEvent> events;
  ASSERT_TRUE(engine.submit({1, 10, 100}, Time(0)));
  engine.advance(Time(0), events);
  const Time first = *engine.next_time();
  ASSERT_TRUE(engine.submit({2, 5000, 1}, first));
  engine.advance(first, events);
  for (int i = 0; i < 9; ++i)
    engine.advance(*engine.next_time(), events);
  // Ten steps of the first sequence, and 511 tokens of the second one's prompt per step.
  EXPECT_EQ(events.size(), 10U);
  engine.advance(*engine.next_time(), events);
  EXPECT_EQ(events.back().id, 2U);
}

TEST(Engine, SequenceLimitIsRespected) {
  Engine engine = make_engine({.max_num_seqs = 2});
  for (std::uint64_t id = 0; id < 3; ++id)
    ASSERT_TRUE(engine.submit({id, 10, 5}, Time(0)));
  const auto tokens = run(engine);
  EXPECT_EQ(tokens.at(0).front().at, tokens.at(1).front().at);
  EXPECT_GT(tokens.at(2).front().at, tokens.at(0).back().at);
}

TEST(Engine, LargeBatchIsSlowerPerRequestButFasterOverall) {
  const auto last = [](std::uint64_t count) {
    Engine engine = make_engine();
    for (std::uint64_t id = 0; id < count; ++id)
      EXPECT_TRUE(engine.submit({id, 128, 64}, Time(0)));
    return run(engine).at(0).back().at;
  };
  EXPECT_GT(last(64), last(1));
  EXPECT_LT(last(64), 32 * last(1));
}

TEST(Engine, YoungestSequenceIsPreemptedWhenMemoryIsFull) {
  // Room for some 9,000 tokens.
  Engine engine = make_engine({}, 0.557);
  ASSERT_LT(engine.load().blocks, 700U);
  for (std::uint64_t id = 0; id < 8; ++id)
    ASSERT_TRUE(engine.submit({id, 500, 1500}, Time(0)));
  const auto tokens = run(engine);
  EXPECT_GT(engine.load().preemptions, 0U);
  EXPECT_LE(engine.load().peak_blocks_used, engine.load().blocks);
  for (const auto& [id, events] : tokens)
    EXPECT_EQ(events.size(), 1500U) << id;  // each token once, whether preempted or not
  EXPECT_LE(tokens.at(0).back().at, tokens.at(7).back().at);
}

TEST(Engine, WindowedLayersUseBlocks) {
  Engine engine = *Engine::make(cost_model(deployment("gptoss", "h100", Precision::Fp4, 1)), {});
  std::vector<TokenEvent> events;
  ASSERT_TRUE(engine.submit({1, 1600, 10}, Time(0)));
  engine.advance(Time(0), events);
  EXPECT_EQ(engine.load().blocks_used, 100U + 8);  // 1600 tokens in full layers, 128 in windowed layers
}

TEST(Engine, CancelledSequenceLeavesTheBatch) {
  Engine engine = make_engine({.max_num_seqs = 1});
  std::vector<TokenEvent> events;
  ASSERT_TRUE(engine.submit({1, 10, 1000000 / 16}, Time(0)));
  ASSERT_TRUE(engine.submit({2, 10, 2}, Time(0)));
  engine.advance(Time(0), events);
  EXPECT_EQ(engine.load().waiting, 1U);
  EXPECT_TRUE(engine.cancel(1));
  EXPECT_FALSE(engine.cancel(1));
  EXPECT_EQ(engine.check_invariants(), "");
  EXPECT_EQ(engine.load().blocks_used, 0U);
  const auto tokens = run(engine);
  EXPECT_EQ(tokens.count(1), 0U);
  EXPECT_EQ(tokens.at(2).size(), 2U);
}

TEST(Engine, SequencesThatCouldNeverRunAreRejected) {
  Engine engine = make_engine({.max_model_len = 4096});
  const auto refused = engine.submit({1, 4000, 97}, Time(0));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message,
              HasSubstr("maximum context length is 4096 tokens; you requested 4097"));
  EXPECT_EQ(engine.next_time(), std::nullopt);
  Engine small = make_engine({}, 0.557);
  ASSERT_FALSE(small.submit({1, 20000, 10}, Time(0)));
  const auto model = cost_model(deployment("llama70b", "h200", Precision::Fp8, 1));
  EXPECT_FALSE(Engine::make(model, {.max_model_len = 200000}));
  EXPECT_FALSE(Engine::make(model, {.max_num_seqs = 0}));
}

TEST(Engine, LateAdvanceCatchesUpInOrder) {
  Engine slow = make_engine(), quick = make_engine();
  std::vector<TokenEvent> events;
  for (Engine* engine : {&slow, &quick})
    ASSERT_TRUE(engine->submit({1, 50, 20}, Time(0)));
  slow.advance(Time(0), events);
  slow.advance(std::chrono::hours(1), events);  // very late
  const auto expected = run(quick).at(1);
  ASSERT_EQ(events.size(), expected.size());
  for (std::size_t i = 0; i < events.size(); ++i)
    EXPECT_EQ(events[i].at, expected[i].at);
}

// Runs an engine with random arrivals, cancellations and a small memory. Returns what happened, for
// comparison.
std::vector<std::uint64_t> random_run(SeededDice& dice) {
  Limits limits;
  limits.max_num_seqs = static_cast<std::uint32_t>(dice.between(1, 40));
  limits.max_num_batched_tokens = static_cast<std::uint32_t>(dice.between(1, 3000));
  Engine engine = make_engine(limits, dice.percent(50) ? 0.557 : 0.6);
  std::map<std::uint64_t, std::uint32_t> wanted, seen;
  std::vector<std::uint64_t> history;
  std::vector<TokenEvent> events;
  std::uint64_t next = 0;
  Time now{};
  const std::uint64_t total = static_cast<std::uint64_t>(dice.between(1, 60));
  while (next < total || engine.next_time()) {
    if (next < total && dice.percent(30)) {
      const Sequence sequence{next++, static_cast<std::uint32_t>(dice.between(1, 3000)),
                              static_cast<std::uint32_t>(dice.between(1, 300))};
      if (engine.submit(sequence, now)) wanted[sequence.id] = sequence.output_tokens;
    } else if (dice.percent(2) && !wanted.empty()) {
      const auto id = wanted.begin()->first;
      EXPECT_TRUE(engine.cancel(id));
      wanted.erase(id);
    } else if (const auto at = engine.next_time()) {
      now = std::max(now, *at);
      events.clear();
      engine.advance(now, events);
    } else {
      now += std::chrono::milliseconds(dice.between(0, 20));
      events.clear();
      engine.advance(now, events);
    }
    EXPECT_EQ(engine.check_invariants(), "");
    for (const TokenEvent& event : events) {
      EXPECT_EQ(event.index, seen[event.id]++);
      history.push_back(event.id * 1000003 + static_cast<std::uint64_t>(event.at.count()));
      if (!event.last) continue;
      EXPECT_EQ(seen[event.id], wanted.at(event.id));
      wanted.erase(event.id);
    }
    events.clear();
    if (testing::Test::HasFailure()) return history;
  }
  EXPECT_TRUE(wanted.empty());  // all sequences have ended
  EXPECT_EQ(engine.load().blocks_used, 0U);
  EXPECT_LE(engine.load().peak_blocks_used, engine.load().blocks);
  return history;
}

TEST(EngineProperty, InvariantsHoldAndEverySequenceFinishes) {
  for_each_seed(60, [](SeededDice& dice) {
    SeededDice again = dice;
    EXPECT_EQ(random_run(dice), random_run(again));  // the same seed gives the same history
  });
}

}  // namespace
}  // namespace sweep::sim_server
