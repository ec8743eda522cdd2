// The JSON format of events in the journal, and replay() of events that a damaged journal could contain.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "controller/core/events_json.hpp"
#include "controller/core/replay.hpp"
#include "tests/unit/core_fixture.hpp"
#include "util/json.hpp"

namespace sweep::core {
namespace {

using nlohmann::json;

struct EventSample {
  EventBody what;
  std::string word;
  json body;
};

const AttemptRef kRef{"00c0ffee00c0ffee", 7};
const json kRefBody = {{"point", "00c0ffee00c0ffee"}, {"attempt", 7}};

json with_ref(json body) {
  body.update(kRefBody);
  return body;
}

// The expected JSON is written out independently of the values, and no field has its default value, so that a
// renamed, forgotten or swapped field fails the test. Journals of this version have exactly this format.
std::vector<EventSample> samples() {
  AgentInfo info{"12.0.3", "n1", "12", "0", 3, 4, {"4", "5"}, 815, {"sh", "b"}};
  Ended ended;
  ended.ref = kRef;
  ended.outcome = Outcome{OutcomeKind::BenchmarkFailed, 3, 9, "server", "out of memory"};
  ended.wall = Millis(60'000);
  ended.accepted = ended.lost = ended.counted = true;
  ended.next = PointState::Failed;
  ended.account = Account{{{"ready", Millis(5'000)}}, 2, {"no memory"}, {}};
  ended.account.gpu_use = GpuUse{Millis(1), 2, 3, {}, 5, 6, {"power cap"}};
  ended.account.origin = Origin{"Linux 6", "580.1", "", "abc", "22.05.8", "bwrap 0.8", "/c/a.sqsh", "d:1"};
  ended.account.range_ratio = "0.5";
  ended.account.collected = Collected{7, 8, {"server.log: shared"}};
  ended.invalid = {"failures: many"};
  return {
      {AgentJoined{info},
       "agent-joined",
       {{"agent", "12.0.3"},
        {"node", "n1"},
        {"job", "12"},
        {"step", "0"},
        {"task", 3},
        {"tasks", 4},
        {"gpus", {"4", "5"}},
        {"pid", 815},
        {"command", {"sh", "b"}}}},
      {AgentReady{"a"}, "agent-ready", {{"agent", "a"}}},
      {AgentGone{"a", "silent"}, "agent-gone", {{"agent", "a"}, {"reason", "silent"}}},
      {AgentReturned{"a"}, "agent-returned", {{"agent", "a"}}},
      {Leased{kRef, "a"}, "leased", with_ref({{"agent", "a"}})},
      {Started{kRef, 4711, "1.2"}, "started", with_ref({{"pid", 4711}, {"directory", "1.2"}})},
      {ended, "ended",
       with_ref({{"outcome",
                  {{"kind", "benchmark-failed"},
                   {"exit_code", 3},
                   {"signal", 9},
                   {"phase", "server"},
                   {"reason", "out of memory"}}},
                 {"wall_ms", 60'000},
                 {"accepted", true},
                 {"lost", true},
                 {"counted", true},
                 {"next", "failed"},
                 {"invalid", {"failures: many"}},
                 {"account",
                  {{"phases", json::array({json::array({"ready", 5'000})})},
                   {"servers", 2},
                   {"server_says", {"no memory"}},
                   {"gpu_ms", 1},
                   {"gpu_power_mw", 2},
                   {"gpu_energy_mj", 3},
                   {"gpu_max_temperature_c", 5},
                   {"gpu_max_memory_bytes", 6},
                   {"gpu_throttled", {"power cap"}},
                   {"kernel", "Linux 6"},
                   {"driver", "580.1"},
                   {"commit", "abc"},
                   {"slurm", "22.05.8"},
                   {"runtime", "bwrap 0.8"},
                   {"image", "/c/a.sqsh"},
                   {"image_digest", "d:1"},
                   {"range_ratio", "0.5"},
                   {"files", 7},
                   {"file_bytes", 8},
                   {"files_left_out", {"server.log: shared"}}}}})},
      {Unfit{"p", "too large"}, "unfit", {{"point", "p"}, {"reason", "too large"}}},
      {Stopping{"ctrl-c", from_unix_ms(1'234)}, "stopping", {{"reason", "ctrl-c"}, {"deadline_ms", 1'234}}},
      {Closed{true, "why"}, "closed", {{"complete", true}, {"reason", "why"}}},
      {JobEnds{"12", from_unix_ms(5'678)}, "job-ends", {{"job", "12"}, {"end_ms", 5'678}}},
      {Quarantined{"n1", "broken"}, "quarantined", {{"node", "n1"}, {"reason", "broken"}}},
      {Recovered{"0.2.0"}, "recovered", {{"version", "0.2.0"}}},
      {Resumed{"0.2.0", "13.0", true, {"p", "q"}},
       "resumed",
       {{"version", "0.2.0"}, {"job", "13.0"}, {"retry_failed", true}, {"withdrawn", {"p", "q"}}}},
      {Salvaged{kRef, "n1"}, "salvaged", with_ref({{"node", "n1"}})},
      {ServerUnusable{{"p", "q"}, "it exits"},
       "server-unusable",
       {{"points", {"p", "q"}}, {"reason", "it exits"}}},
      {Paused{Millis(60'000)}, "paused", {{"length_ms", 60'000}}},
      {Sending{kRef}, "sending", kRefBody},
      {Leased{kRef, "a", {{"a", 0}, {"b", 8}}}, "leased",
       with_ref(
           {{"agent", "a"}, {"members", {{{"agent", "a"}, {"gpus", 0}}, {{"agent", "b"}, {"gpus", 8}}}}})},
      {MemberEnded{kRef, "b"}, "member-ended", with_ref({{"agent", "b"}})},
  };
}

std::string complaint(const std::string& word, const json& body) {
  const auto result = event_from_json(word, body);
  return result ? std::string() : result.error().message;
}

TEST(CoreEvents, SamplesCoverEveryKind) {
  std::set<std::size_t> kinds;
  for (const EventSample& sample : samples())
    kinds.insert(sample.what.index());
  EXPECT_EQ(kinds.size(), std::variant_size_v<EventBody>);
}

TEST(CoreEvents, EventsAreWrittenInTheJournalsFormat) {
  for (const EventSample& sample : samples()) {
    EXPECT_EQ(event_word(sample.what), sample.word);
    EXPECT_EQ(event_to_json(sample.what), sample.body);
  }
}

TEST(CoreEvents, EventsAreReadAsTheyWereWritten) {
  for (const EventSample& sample : samples()) {
    const auto read = event_from_json(sample.word, sample.body);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->index(), sample.what.index());
    EXPECT_EQ(event_to_json(*read), sample.body);
  }
}

TEST(CoreEvents, FieldsOfLaterVersionsAreIgnored) {
  for (EventSample& sample : samples()) {
    sample.body["of a later version"] = 1;
    EXPECT_EQ(complaint(sample.word, sample.body), "");
  }
}

TEST(CoreEvents, EveryPointStateIsReadBack) {
  for (std::size_t i = 0; i < kPointStates; ++i) {
    Ended ended;
    ended.ref = kRef;
    ended.next = static_cast<PointState>(i);
    const auto read = event_from_json("ended", event_to_json(ended));
    ASSERT_TRUE(read);
    EXPECT_EQ(std::get<Ended>(*read).next, ended.next);
  }
}

TEST(CoreEvents, ErrorNamesTheMissingField) {
  for (const EventSample& sample : samples()) {
    for (const auto& [key, value] : sample.body.items()) {
      json body = sample.body;
      if (key == "account" || key == "invalid" || key == "command" || key == "directory" ||
          key == "members" || key == "node")
        continue;  // optional: earlier journals have none
      body.erase(key);
      EXPECT_THAT(complaint(sample.word, body), HasSubstr("'" + key + "' is missing")) << sample.word;
    }
  }
}

TEST(CoreEvents, FieldOfTheWrongTypeIsAnError) {
  for (const EventSample& sample : samples()) {
    for (const auto& [key, value] : sample.body.items()) {
      json body = sample.body;
      body[key] = json::array({json::object()});
      EXPECT_NE(complaint(sample.word, body), "") << sample.word << " " << key;
    }
  }
}

TEST(CoreEvents, DamagedBodiesFailWithAMessage) {
  EXPECT_THAT(complaint("agent-exploded", json::object()), HasSubstr("unknown kind 'agent-exploded'"));
  for (const EventSample& sample : samples()) {
    for (const json& body : {json(), json(1), json("x"), json::array(), json::object()})
      EXPECT_NE(complaint(sample.word, body), "") << sample.word << " " << body;
  }
  EXPECT_NE(complaint("leased", {{"point", "p"}, {"attempt", 0}, {"agent", "a"}}), "");
  EXPECT_NE(complaint("leased", {{"point", "p"}, {"attempt", 1.5}, {"agent", "a"}}), "");
  json ended = samples()[6].body;
  ended["next"] = "asleep";
  EXPECT_THAT(complaint("ended", ended), HasSubstr("unknown point state 'asleep'"));
  ended = samples()[6].body;
  ended["outcome"]["kind"] = "splendid";
  EXPECT_THAT(complaint("ended", ended), HasSubstr("outcome"));
}

// ---- replay

class CoreReplay : public testing::Test {
 protected:
  static Event at(EventBody what) { return {from_unix_ms(1), std::move(what)}; }
  static Ended ended(const AttemptRef& ref, PointState next, bool accepted) {
    Ended out;
    out.ref = ref;
    out.accepted = accepted;
    out.next = next;
    return out;
  }
  /// Replays a valid start (p0/1 is leased to a) followed by `more`. Returns the error, or "" if there is
  /// none.
  static std::string replay_error(std::vector<EventBody> more) {
    State state = make_state({}, {{"p0", 1}, {"p1", 1}});
    std::vector<Event> events{at(AgentJoined{agent_info("a", "n1", 1)}), at(AgentReady{"a"}),
                              at(Leased{{"p0", 1}, "a"})};
    for (EventBody& what : more)
      events.push_back(at(std::move(what)));
    const auto result = replay(state, events);
    return result ? "" : result.error().message;
  }
};

TEST_F(CoreReplay, EventsThatFitAreApplied) {
  EXPECT_EQ(replay_error({}), "");
  EXPECT_EQ(replay_error({Started{{"p0", 1}, 1}, ended({"p0", 1}, PointState::Done, true)}), "");
  EXPECT_EQ(replay_error({Unfit{"p1", "large"}, Stopping{"ctrl-c", {}}}), "");
}

TEST_F(CoreReplay, ErrorNamesTheEventThatDoesNotFit) {
  const AttemptRef none{"p0", 2};
  const AttemptRef nobody{"px", 1};
  const std::vector<EventBody> unfit = {AgentJoined{agent_info("a", "n2", 1)},
                                        AgentReady{"b"},
                                        AgentGone{"b", "x"},
                                        AgentReturned{"b"},
                                        Leased{{"p0", 2}, "a"},
                                        Leased{{"p1", 2}, "a"},
                                        Leased{{"p1", 1}, "b"},
                                        Leased{nobody, "a"},
                                        Leased{{"p1", 1}, "a", {{"a", 1}, {"a", 1}}},
                                        Leased{{"p1", 1}, "a", {{"a", 1}, {"nobody", 1}}},
                                        MemberEnded{{"p0", 1}, "a"},
                                        MemberEnded{none, "a"},
                                        Started{none, 1},
                                        Started{nobody, 1},
                                        Unfit{"p0", "leased"},
                                        Unfit{"px", "none"},
                                        ended(none, PointState::Done, true),
                                        ended(nobody, PointState::Done, true)};
  for (const EventBody& event : unfit) {
    EXPECT_THAT(replay_error({event}),
                HasSubstr("event 4 of the journal (" + std::string(event_word(event)) + ") does not fit"));
  }
  EXPECT_THAT(replay_error({Started{{"p0", 1}, 1}, Started{{"p0", 1}, 1}}), HasSubstr("event 5"));
  const Ended done = ended({"p0", 1}, PointState::Done, true);
  EXPECT_THAT(replay_error({done, done}), HasSubstr("event 5"));
}

TEST_F(CoreReplay, ErrorNamesTheViolatedInvariant) {
  EXPECT_THAT(replay_error({ended({"p0", 1}, PointState::Running, false)}),
              HasSubstr("journal is inconsistent: point p0"));
  EXPECT_THAT(replay_error({ended({"p0", 1}, PointState::Done, false)}),
              HasSubstr("journal is inconsistent: point p0"));
  EXPECT_THAT(replay_error({AgentGone{"a", "silent"}}), HasSubstr("journal is inconsistent: agent a"));
  EXPECT_THAT(replay_error({Closed{false, ""}}), HasSubstr("journal is inconsistent"));
}

}  // namespace
}  // namespace sweep::core
