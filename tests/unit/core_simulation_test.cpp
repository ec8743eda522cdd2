// Simulates hundreds of sweeps with faults, each from one seed. To repeat one: SWEEP_SEED=n core_test
// --gtest_filter='CoreSimulation.*'. For more seeds: SWEEP_SEEDS=100000.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "controller/core/events_json.hpp"
#include "controller/core/replay.hpp"
#include "tests/unit/core_dump.hpp"
#include "tests/unit/core_world.hpp"
#include "util/json.hpp"

namespace sweep::core {
namespace {

bool terminal(PointState state) {
  return state == PointState::Done || state == PointState::Failed || state == PointState::Cancelled;
}

void check_points(const World& world) {
  std::map<std::string, int> accepted;
  std::set<std::string> has_invalid;  // points whose last accepted result was not valid
  for (const Event& event : world.events) {
    const auto* ended = std::get_if<Ended>(&event.what);
    if (ended == nullptr || !ended->accepted) continue;
    // Only a valid result replaces an accepted one, and only one that is not valid.
    if (has_invalid.erase(ended->ref.point) > 0 && ended->invalid.empty()) --accepted[ended->ref.point];
    if (!ended->invalid.empty()) has_invalid.insert(ended->ref.point);
    ++accepted[ended->ref.point];
  }
  for (const PointStatus& point : world.state.points) {
    const bool done = point.state == PointState::Done;
    const bool in_retry = !done && has_invalid.contains(point.spec.id);  // when the sweep ended
    EXPECT_EQ(accepted[point.spec.id], done || in_retry ? 1 : 0)
        << point.spec.id << " has the wrong number of accepted results";
    EXPECT_TRUE(terminal(point.state) || !world.state.end_reason.empty())
        << point.spec.id << " is " << state_word(point.state) << " although the sweep has no end reason";
  }
}

void check_agents(const World& world) {
  for (const auto& [id, agent] : world.state.agents)
    EXPECT_TRUE(agent.gone || agent.held.empty()) << id << " still holds a lease";
}

void check_replay(const World& world) {
  State again = make_state(world.settings, world.specs);
  std::vector<Event> read;
  for (const Event& event : world.events) {
    const std::string text = event_to_json(event.what).dump();
    auto what = event_from_json(event_word(event.what), nlohmann::json::parse(text));
    ASSERT_TRUE(what) << what.error().message;
    read.push_back({event.at, std::move(*what)});
  }
  const auto replayed = replay(again, read);
  EXPECT_TRUE(replayed) << replayed.error().message;
  EXPECT_EQ(dump(again), dump(world.state));
}

struct Tally {
  int closed = 0, complete = 0, failed = 0, late = 0, returned = 0, lost = 0, unusable = 0, gangs = 0;
};

void count(const World& world, Tally& tally) {
  tally.closed += world.state.phase == Phase::Closed;
  tally.complete += complete(world.state);
  tally.unusable += world.unusable;
  tally.gangs += world.gangs;
  tally.failed += world.state.count(PointState::Failed);
  for (const Event& event : world.events) {
    tally.returned += std::holds_alternative<AgentReturned>(event.what);
    const auto* ended = std::get_if<Ended>(&event.what);
    if (ended == nullptr) continue;
    tally.lost += ended->lost;
    const Attempt& attempt = *find_attempt(world.state, ended->ref);
    tally.late +=
        ended->accepted &&
        &attempt != &point_at(world.state, find_point(world.state, ended->ref.point)).attempts.back();
  }
}

void simulate(std::uint64_t seed, Tally& tally) {
  SCOPED_TRACE("SWEEP_SEED=" + std::to_string(seed));
  World world(seed);
  try {
    world.run();
  } catch (const std::exception& error) {
    ADD_FAILURE() << error.what() << "\n" << dump(world.state) << "alive\n" << world.agents_text();
    return;
  }
  for (const std::string& problem : world.problems)
    ADD_FAILURE() << problem;
  if (world.state.first_join) {
    EXPECT_EQ(world.state.phase, Phase::Closed);
  }
  check_points(world);
  check_agents(world);
  check_replay(world);
  count(world, tally);
}

TEST(CoreSimulation, EverySweepEndsWithEveryPointAccountedFor) {
  Tally tally;
  if (const char* seed = std::getenv("SWEEP_SEED")) {
    simulate(std::strtoull(seed, nullptr, 10), tally);
    return;
  }
  const char* more = std::getenv("SWEEP_SEEDS");
  const std::uint64_t seeds = more == nullptr ? 1'000 : std::strtoull(more, nullptr, 10);
  for (std::uint64_t seed = 1; seed <= seeds && !HasFailure(); ++seed)
    simulate(seed, tally);
  // Each kind of fault occurred often enough for the test to mean something.
  EXPECT_GT(tally.closed, 900);
  EXPECT_GT(tally.complete, 50);
  EXPECT_GT(tally.failed, 100);
  EXPECT_GT(tally.lost, 100);
  EXPECT_GT(tally.returned, 100);
  EXPECT_GT(tally.late, 10);
  EXPECT_GT(tally.unusable, 20);
  EXPECT_GT(tally.gangs, 100);
}

}  // namespace
}  // namespace sweep::core
