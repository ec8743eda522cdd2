// Test fixture: the opening of a sweep of three points, and its batches of events with results.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "controller/core/decide.hpp"
#include "controller/core/events_json.hpp"
#include "controller/core/replay.hpp"
#include "controller/journal/journal.hpp"
#include "tests/unit/core_dump.hpp"
#include "tests/unit/net_folder.hpp"
#include "util/json.hpp"

namespace sweep::journal {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class JournalTest : public InFolder {
 protected:
  JournalTest() {
    opening.meta = {{"facts", "{\"select\": \"ä\"}"}, {"settings", ""}};
    for (int i = 0; i < 3; ++i) {
      const std::string id = "p" + std::to_string(i);
      opening.ids.push_back(id);
      const nlohmann::ordered_json entry = {{"z", i}, {"a", "text of " + id}, {"m", {1, 2.5, true, nullptr}}};
      opening.entries.push_back(entry.dump());
      specs.push_back({id, i + 1});
    }
    core::State state = core::make_state({}, specs);
    core::AgentInfo agent;
    agent.id = "12.0.0";
    agent.node = "n1";
    agent.gpus = {"0", "1", "2"};
    Outcome ok, failed;
    failed.kind = OutcomeKind::NoResult;
    failed.reason = "nothing was written";
    const auto round = [&](const core::Command& command, std::vector<StoredResult> results = {}) {
      now += Millis(7);
      batches.push_back({core::advance(state, command, now).events, std::move(results)});
    };
    const std::string raw = std::string("{\"raw\": \0\xff}", 11);
    round(core::Hello{agent});
    round(core::Ready{agent.id});
    round(core::AttemptStarted{agent.id, {"p2", 1}, 4711});
    round(core::AttemptFinished{agent.id, {"p2", 1}, ok, Millis(5)}, {{{"p2", 1}, "n1", true, raw}});
    round(core::AttemptFinished{agent.id, {"p1", 1}, failed, Millis(6)},
          {{{"p1", 1}, "n1", false, "refused"}});
    round(core::AttemptFinished{agent.id, {"p0", 1}, ok, Millis(7)}, {{{"p0", 1}, "n1", true, "first"}});
    finished = dump(state);
  }

  std::string file() const { return path("sweep.db"); }

  /// Writes a journal with all batches and closes it as after a sweep.
  void write_all() const {
    auto journal = Journal::create(file(), opening);
    ASSERT_TRUE(journal) << journal.error().message;
    for (const Batch& batch : batches)
      ASSERT_TRUE(journal->commit(batch));
    ASSERT_TRUE(journal->finish());
  }

  std::vector<core::Event> all_events() const {
    std::vector<core::Event> all;
    for (const Batch& batch : batches)
      all.insert(all.end(), batch.events.begin(), batch.events.end());
    return all;
  }

  /// Returns the state after these events as text, or the error.
  std::string replayed(const std::vector<core::Event>& events) const {
    core::State state = core::make_state({}, specs);
    const auto done = core::replay(state, events);
    return done ? dump(state) : done.error().message;
  }

  Opening opening;
  std::vector<core::PointSpec> specs;
  std::vector<Batch> batches;
  Instant now = from_unix_ms(1'700'000'000'000);
  std::string finished;  // the state at the end
};

inline std::string text(const std::vector<core::Event>& events) {
  std::string out;
  for (const core::Event& event : events) {
    out += std::to_string(to_unix_ms(event.at)) + " " + std::string(core::event_word(event.what)) + " " +
           core::event_to_json(event.what).dump() + "\n";
  }
  return out;
}

inline std::string text(const Expected<std::vector<core::Event>>& events) {
  return events ? text(*events) : events.error().message;
}

}  // namespace sweep::journal
