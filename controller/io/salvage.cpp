#include "controller/io/salvage.hpp"

#include <cstdio>
#include <filesystem>
#include <map>
#include <set>

#include "controller/core/apply.hpp"
#include "controller/core/replay.hpp"
#include "controller/io/output_dir.hpp"
#include "controller/io/sweep_record.hpp"
#include "controller/report/process_result.hpp"
#include "util/os/clock.hpp"
#include "util/os/files.hpp"
#include "util/text.hpp"

namespace sweep {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxRaw = 64 * 1024 * 1024;
constexpr std::size_t kResultsAtOnce = 100;  // they may be large together

using Key = std::pair<std::string, int>;  // point, attempt

Key key_of(const core::AttemptRef& ref) {
  return {ref.point, ref.attempt};
}

/// The longest beginning that replays, and why no more.
std::vector<core::Event> fitting(std::vector<core::Event> events, const core::State& fresh,
                                 std::string& why) {
  core::State all = fresh;
  const auto whole = core::replay(all, events);
  if (whole) return events;
  core::State state = fresh;
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (const auto done = core::replay(state, {events[i]}); done) continue;
    why = whole.error().message;
    events.resize(i);
    return events;
  }
  return events;
}

class Salvage {
 public:
  Salvage(const std::string& directory, journal::Journal old, Sweep fresh)
      : directory_(directory), old_(std::move(old)), fresh_(std::move(fresh)) {}

  Expected<void> into(journal::Journal& to, Instant now) {
    const auto checked = old_.check();
    auto good = old_.good_events();
    damage_ = good.damage;
    if (damage_.empty() && !checked) found_ = checked.error().message;
    events_lost_ = good.lost;
    const std::size_t read = good.events.size();
    auto events = fitting(std::move(good.events), fresh_.state, damage_);
    events_lost_ += static_cast<std::int64_t>(read - events.size());
    auto copied = copy_results(to);
    if (!copied) return copied;
    take_raw_files(events);
    forget_lost(events);
    SWEEP_TRY(core::replay(fresh_.state, events));
    events_kept_ = events.size();
    add_orphans(events, now);
    batch_.events = std::move(events);
    return to.commit(batch_);
  }

  std::vector<std::string> report(const std::string& kept_as) const {
    std::vector<std::string> lines;
    const std::string results =
        results_lost_ > 0 ? counted(results_lost_, "result") + " could not be read" : found_;
    lines.push_back("the journal was damaged: " + (damage_.empty() ? results : damage_));
    lines.push_back("recovered " + counted(events_kept_, "event") + " and " +
                    counted(results_.size(), "result") + "; the damaged file is kept as '" + kept_as + "'");
    if (events_lost_ > 0)
      lines.push_back("lost: " + counted(static_cast<std::size_t>(events_lost_), "event") + " at its end");
    for (const std::string& point : again_)
      lines.push_back("lost: the result of " + point + "; the point has to run again");
    return lines;
  }

 private:
  Expected<void> copy_results(journal::Journal& to) {
    Expected<void> done;
    journal::Batch batch;
    const auto flush = [&] {
      if (done && !batch.empty()) done = to.commit(batch);
      batch = {};
    };
    results_lost_ = old_.each_good_result([&](journal::StoredResult result) {
      results_[key_of(result.ref)] = {result.node, result.accepted};
      batch.results.push_back(std::move(result));
      if (batch.results.size() >= kResultsAtOnce) flush();
    });
    flush();
    return done;
  }

  /// raw/ has the bytes of results that count.
  void take_raw_files(const std::vector<core::Event>& events) {
    std::map<Key, std::string> node_of;
    for (const core::Event& event : events) {
      if (const auto* leased = std::get_if<core::Leased>(&event.what))
        node_of[key_of(leased->ref)] = leased->agent;
      const auto* ended = std::get_if<core::Ended>(&event.what);
      if (ended == nullptr || !ended->accepted || counts(ended->ref)) continue;
      const std::string node = node_of_agent(events, node_of[key_of(ended->ref)]);
      const int index = core::find_point(fresh_.state, ended->ref.point);
      if (index < 0) continue;
      const auto raw =
          read_file(directory_ + "/raw/" + result_filename(fresh_.plan, index, node) + ".json", kMaxRaw);
      if (!raw || !report::check_result(*raw)) continue;  // half of one, after a crash of the machine
      results_[key_of(ended->ref)] = {node, true};
      batch_.results.push_back({ended->ref, node, true, *raw});
    }
  }

  static std::string node_of_agent(const std::vector<core::Event>& events, const std::string& agent) {
    std::string node;
    for (const core::Event& event : events) {
      const auto* joined = std::get_if<core::AgentJoined>(&event.what);
      if (joined != nullptr && joined->agent.id == agent) node = joined->agent.node;
    }
    return node;
  }

  /// What counted and is not there any more did not happen: its point is to run again.
  void forget_lost(std::vector<core::Event>& events) {
    std::set<std::string> lost;
    for (core::Event& event : events) {
      auto* ended = std::get_if<core::Ended>(&event.what);
      if (ended == nullptr) continue;
      if (ended->accepted && !counts(ended->ref)) {
        ended->accepted = false;
        ended->outcome.kind = OutcomeKind::Preempted;
        ended->outcome.reason = "its result was lost with a damaged journal";
        lost.insert(ended->ref.point);
        again_.push_back(name_of(ended->ref.point));
      }
      if (lost.contains(ended->ref.point) && !ended->accepted && ended->next == core::PointState::Done)
        ended->next = core::PointState::Pending;
    }
  }

  /// Results that count and whose events are lost.
  void add_orphans(std::vector<core::Event>& events, Instant now) {
    for (const auto& [key, stored] : results_) {
      const int index = core::find_point(fresh_.state, key.first);
      if (index < 0 || !stored.accepted || core::has_result(core::point_at(fresh_.state, index))) continue;
      const core::Event event{now, core::Salvaged{{key.first, key.second}, stored.node}};
      core::apply(fresh_.state, event);
      events.push_back(event);
    }
  }

  /// Whether there is a result of the attempt, and it is kept as one that counts.
  bool counts(const core::AttemptRef& ref) const {
    const auto stored = results_.find(key_of(ref));
    return stored != results_.end() && stored->second.accepted;
  }

  std::string name_of(const std::string& point) const {
    const int index = core::find_point(fresh_.state, point);
    return index < 0 ? printable(point)
                     : printable(label(fresh_.plan.points[static_cast<std::size_t>(index)]));
  }

  struct Stored {
    std::string node;
    bool accepted = false;
  };
  const std::string& directory_;
  journal::Journal old_;
  Sweep fresh_;
  std::map<Key, Stored> results_;
  journal::Batch batch_;
  std::string damage_;  // of the events
  std::string found_;   // else what the check says
  std::int64_t events_lost_ = 0;
  std::size_t results_lost_ = 0, events_kept_ = 0;
  std::vector<std::string> again_;
};

Expected<void> rename(const std::string& from, const std::string& to) {
  if (std::rename(from.c_str(), to.c_str()) == 0) return {};
  return fail("cannot rename '" + from + "' to '" + to + "': " + errno_text(errno));
}

}  // namespace

Expected<std::vector<std::string>> salvage(const std::string& directory, Instant now) {
  const std::string path = journal_path(directory), fresh_path = path + ".recovered",
                    kept_as = path + ".damaged-" + local_stamp(now);
  SWEEP_ASSIGN(auto old, journal::Journal::open_to_read(path));
  SWEEP_ASSIGN(const auto opening, old.opening());
  // Which points were withdrawn matters for the names of files only; the last resume may be among the lost.
  SWEEP_ASSIGN(auto fresh, restore_sweep(opening, {}));
  std::error_code ignored;
  fs::remove(fresh_path, ignored);  // of an attempt that was cut off
  SWEEP_ASSIGN(auto recovered, journal::Journal::create(fresh_path, opening));
  Salvage work(directory, std::move(old), std::move(fresh));
  SWEEP_TRY(work.into(recovered, now));
  SWEEP_TRY(recovered.finish());
  SWEEP_TRY(rename(path, kept_as));
  for (const char* suffix : {"-wal", "-shm", "-journal"})
    fs::rename(path + suffix, kept_as + suffix, ignored);
  SWEEP_TRY(rename(fresh_path, path));
  return work.report(kept_as);
}

}  // namespace sweep
