// A sweep with something of everything in it, for fuzz_journal: what happened, and the journals that tell of
// it.
//
// It is told by the core itself, so a new kind of event is in as soon as a command makes it.
#pragma once

#include <sqlite3.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "controller/core/decide.hpp"
#include "controller/core/invariants.hpp"
#include "controller/io/sweep_record.hpp"
#include "controller/journal/journal.hpp"
#include "tests/fuzz/property.hpp"
#include "tests/fuzz/scratch.hpp"

namespace sweep::fuzz {

inline constexpr Instant kBegin{Millis(1'700'000'000'000)};

inline nlohmann::ordered_json entry_of(int tp, int conc) {
  return {{"image", "i:1"},    {"model", "m/M"}, {"precision", "fp4"},    {"framework", "sglang"},
          {"runner", "b200"},  {"isl", 1024},    {"osl", 8192},           {"tp", tp},
          {"conc", conc},      {"ep", 1},        {"max-model-len", 9416}, {"dp-attn", false},
          {"exp-name", "a_1k"}};
}

class Story {
 public:
  Story() {
    profile::Profile profile;
    profile.packing = profile::Profile::Packing::Gpu;
    profile.retries = {1, 1, 2};
    std::vector<nlohmann::ordered_json> entries;
    for (const int tp : {64, 8, 4, 4, 2, 1, 1})
      entries.push_back(entry_of(tp, static_cast<int>(entries.size()) + 1));
    auto plan = make_plan(entries, profile);
    require(plan.has_value(), "the story has a plan", plan ? "" : plan.error().message);
    sweep.plan = std::move(*plan);
    sweep.state = core::make_state(core_settings(sweep.plan), core_points(sweep.plan));
    sweep.facts.sweep = "story";
    sweep.facts.version = "0.1.0";
    sweep.facts.opened = kBegin;
    tell_all();
    require(core::check_invariants(sweep.state).empty(), "the story is sound");
  }

  Sweep sweep;  // at its end
  std::vector<core::Event> events;
  std::vector<journal::StoredResult> results;

 private:
  void tell(const core::Command& command) {
    now_ += Millis(1'000);
    const auto made = core::advance(sweep.state, command, now_).events;
    for (const core::Event& event : made) {
      const auto* ended = std::get_if<core::Ended>(&event.what);
      if (ended == nullptr || ended->outcome.kind != OutcomeKind::Ok) continue;
      const core::Attempt* attempt = core::find_attempt(sweep.state, ended->ref);
      results.push_back({ended->ref, attempt->node, ended->accepted, "{\"completed\": 1}"});
    }
    events.insert(events.end(), made.begin(), made.end());
  }
  void join(const std::string& id, const std::string& node, int gpus) {
    core::AgentInfo agent;
    agent.id = id;
    agent.node = node;
    agent.job = "12";
    agent.tasks = 3;
    for (int i = 0; i < gpus; ++i)
      agent.gpus.push_back(std::to_string(i));
    tell(core::Hello{agent});
    tell(core::Ready{id, kBegin + std::chrono::hours(24)});
  }
  /// What the agent holds: started, and ended like that.
  void end_all(const std::string& agent, OutcomeKind kind) {
    const auto held = sweep.state.agents.at(agent).held;
    for (const auto& [index, number] : held) {
      const core::AttemptRef ref{sweep.plan.points[static_cast<std::size_t>(index)].id, number};
      Outcome outcome;
      outcome.kind = kind;
      if (kind != OutcomeKind::Ok) outcome.reason = "so it goes";
      tell(core::AttemptStarted{agent, ref, 4711});
      tell(core::AttemptFinished{agent, ref, outcome, Millis(900)});
    }
  }
  void tell_all() {
    join("12.0.0", "n1", 8);
    join("12.0.1", "n2", 4);
    join("12.0.2", "n3", 8);
    end_all("12.0.1", OutcomeKind::Infrastructure);
    end_all("12.0.1", OutcomeKind::Infrastructure);
    tell(core::Goodbye{"12.0.2", "no word"});
    tell(core::Heartbeat{"12.0.2"});
    end_all("12.0.0", OutcomeKind::Ok);
    end_all("12.0.2", OutcomeKind::BenchmarkFailed);
    tell(core::Recover{"0.1.1"});
    tell(core::Stop{"ctrl-c", Millis(30'000)});
    end_all("12.0.0", OutcomeKind::Cancelled);
    for (const char* agent : {"12.0.0", "12.0.1", "12.0.2"})
      tell(core::Goodbye{agent, "done"});
    tell(core::Resume{"0.2.0", "13", true, {sweep.plan.points.back().id}});
    join("13.0.0", "n1", 8);
    for (int i = 0; i < 3; ++i)
      end_all("13.0.0", OutcomeKind::Ok);
    join("13.0.1", "n4", 8);
    end_all("13.0.1", OutcomeKind::Preempted);
  }

  Instant now_ = kBegin;
};

inline std::string bytes_of(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// SQLite without the journal's rules. Statements that fail do nothing.
class RawDatabase {
 public:
  explicit RawDatabase(const std::string& path) {
    sqlite3* raw = nullptr;
    sqlite3_open(path.c_str(), &raw);
    db_.reset(raw);
    run("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF");
  }
  void run(const std::string& sql) { sqlite3_exec(db_.get(), sql.c_str(), nullptr, nullptr, nullptr); }
  sqlite3* get() const { return db_.get(); }

 private:
  struct Close {
    void operator()(sqlite3* db) const { sqlite3_close(db); }
  };
  std::unique_ptr<sqlite3, Close> db_;
};

/// Sound journals as bytes, in small pages so that there are many: the story's, then the sample of each old
/// version.
inline std::vector<std::string> sound_journals(const Story& story, const Scratch& scratch) {
  const std::string file = scratch.path("sound.db");
  std::vector<std::string> out;
  const auto add = [&] {
    RawDatabase(file).run("PRAGMA page_size=512; VACUUM");
    out.push_back(bytes_of(file));
    scratch.clear();
  };
  auto journal = journal::Journal::create(file, opening_of(story.sweep));
  require(journal && journal->commit({story.events, story.results}) && journal->finish(),
          "the story makes a journal");
  journal = fail("closed");
  add();
  std::vector<std::string> samples;
  for (const auto& entry : std::filesystem::directory_iterator(SWEEP_SOURCE_DIR "/tests/unit/data")) {
    if (entry.path().extension() == ".db") samples.push_back(entry.path().string());
  }
  std::sort(samples.begin(), samples.end());
  for (const std::string& sample : samples) {
    put_file(file, bytes_of(sample));
    add();
  }
  return out;
}

}  // namespace sweep::fuzz
