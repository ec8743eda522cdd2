#include "controller/io/salvage.hpp"

#include <cstdio>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string_view>

#include "controller/core/apply.hpp"
#include "controller/core/replay.hpp"
#include "controller/io/opening_from_files.hpp"
#include "controller/io/output_dir.hpp"
#include "controller/io/sweep_record.hpp"
#include "controller/report/client_result.hpp"
#include "util/os/clock.hpp"
#include "util/os/files.hpp"
#include "util/text.hpp"

namespace sweep {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxRaw = 64 * 1024 * 1024;
constexpr std::size_t kResultsAtOnce = 100;  // bounds the memory that a batch takes

using Key = std::pair<std::string, int>;  // point, attempt

Key key_of(const core::AttemptRef& ref) {
  return {ref.point, ref.attempt};
}

/// Returns the longest prefix of `events` that can be replayed, and sets `why` to the reason for which the
/// rest cannot.
std::vector<core::Event> replayable_prefix(std::vector<core::Event> events, const core::State& fresh,
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
  /// `old`: std::nullopt if the journal is missing or cannot be opened, because of `damage`.
  Salvage(const std::string& directory, std::optional<journal::Journal> old, Sweep fresh, std::string damage)
      : directory_(directory), old_(std::move(old)), fresh_(std::move(fresh)), damage_(std::move(damage)) {}

  /// Writes what can be recovered to `to`.
  Expected<void> copy_into(journal::Journal& to, Instant now) {
    auto events = readable_events();
    SWEEP_TRY(copy_results(to));
    take_raw_files(events);
    forget_lost(events);
    SWEEP_TRY(core::replay(fresh_.state, events));
    events_kept_ = events.size();
    add_events_of_results(events, now);
    if (events_lost_ > 0 || !old_) take_other_raw_files(events, now);
    batch_.events = std::move(events);
    return to.commit(batch_);
  }

  std::vector<std::string> report(const std::string& kept_as) const {
    std::vector<std::string> lines;
    const std::string results =
        results_lost_ > 0 ? counted(results_lost_, "result") + " could not be read" : check_error_;
    lines.push_back("the journal was damaged: " + (damage_.empty() ? results : damage_));
    lines.push_back("recovered " + counted(events_kept_, "event") + " and " +
                    counted(results_.size(), "result") +
                    (kept_as.empty() ? "" : "; the damaged file was kept as '" + kept_as + "'"));
    if (from_raw_ > 0)
      lines.push_back(counted(from_raw_, "result") + " of these " + (from_raw_ == 1 ? "was" : "were") +
                      " taken from raw/");
    if (events_lost_ > 0)
      lines.push_back("lost: " + counted(static_cast<std::size_t>(events_lost_), "event") +
                      " at the end of the journal");
    for (const std::string& point : rerun_)
      lines.push_back("lost: the result of " + point + "; the point will run again");
    return lines;
  }

 private:
  /// Returns the events up to the first that is damaged or does not fit.
  std::vector<core::Event> readable_events() {
    if (!old_) return {};
    const auto checked = old_->check();
    auto good = old_->good_events();
    if (damage_.empty()) damage_ = good.damage;
    if (damage_.empty() && !checked) check_error_ = checked.error().message;
    events_lost_ = good.lost;
    const std::size_t read = good.events.size();
    std::string why;
    auto events = replayable_prefix(std::move(good.events), fresh_.state, why);
    if (damage_.empty()) damage_ = why;
    events_lost_ += static_cast<std::int64_t>(read - events.size());
    return events;
  }

  Expected<void> copy_results(journal::Journal& to) {
    Expected<void> done;
    if (!old_) return done;
    journal::Batch batch;
    const auto flush = [&] {
      if (done && !batch.empty()) done = to.commit(batch);
      batch = {};
    };
    results_lost_ = old_->each_good_result([&](journal::StoredResult result) {
      results_[key_of(result.ref)] = {result.node, result.accepted};
      batch.results.push_back(std::move(result));
      if (batch.results.size() >= kResultsAtOnce) flush();
    });
    flush();
    return done;
  }

  /// Takes the accepted results that the journal has lost from raw/.
  void take_raw_files(const std::vector<core::Event>& events) {
    std::map<Key, std::string> node_of;
    for (const core::Event& event : events) {
      if (const auto* leased = std::get_if<core::Leased>(&event.what))
        node_of[key_of(leased->ref)] = leased->agent;
      const auto* ended = std::get_if<core::Ended>(&event.what);
      if (ended == nullptr || !ended->accepted || has_accepted_result(ended->ref)) continue;
      const std::string node = node_of_agent(events, node_of[key_of(ended->ref)]);
      const int index = core::find_point(fresh_.state, ended->ref.point);
      if (index < 0) continue;
      take_raw_file(ended->ref, index, node);
    }
  }

  /// Takes a result from raw/. Returns false if its file is missing or incomplete, as after a crash of the
  /// machine.
  bool take_raw_file(const core::AttemptRef& ref, int index, const std::string& node) {
    const std::string name = "raw/" + result_filename(fresh_.plan, index, node) + ".json";
    const auto raw = read_file(directory_ + "/" + name, kMaxRaw);
    if (!raw || !report::check_result(*raw)) return false;
    results_[key_of(ref)] = {node, true};
    batch_.results.push_back({ref, node, true, *raw});
    ++from_raw_;
    return true;
  }

  /// Takes the results of points of which the journal has lost the events too. The node is part of the file's
  /// name.
  void take_other_raw_files(std::vector<core::Event>& events, Instant now) {
    constexpr std::string_view kEnding = ".json";
    const std::vector<std::string> names = names_in(directory_ + "/raw");
    for (int index = 0; index < static_cast<int>(fresh_.plan.points.size()); ++index) {
      const core::PointStatus& point = core::point_at(fresh_.state, index);
      if (core::has_result(point)) continue;
      const core::AttemptRef ref{point.spec.id, static_cast<int>(point.attempts.size()) + 1};
      const std::string start = stem_of(fresh_.plan, index) + "_";
      for (const std::string& name : names) {
        if (!name.starts_with(start) || !name.ends_with(kEnding)) continue;
        const std::string node = name.substr(start.size(), name.size() - start.size() - kEnding.size());
        if (!take_raw_file(ref, index, node)) continue;
        const core::Event event{now, core::Salvaged{ref, node}};
        core::apply(fresh_.state, event);
        events.push_back(event);
        break;
      }
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

  /// Changes the events so that an accepted result that is lost was not accepted: its point becomes pending
  /// again.
  void forget_lost(std::vector<core::Event>& events) {
    std::set<std::string> lost;
    for (core::Event& event : events) {
      auto* ended = std::get_if<core::Ended>(&event.what);
      if (ended == nullptr) continue;
      if (ended->accepted && !has_accepted_result(ended->ref)) {
        ended->accepted = false;
        ended->outcome.kind = OutcomeKind::Preempted;
        ended->outcome.reason = "the result was lost because the journal was damaged";
        lost.insert(ended->ref.point);
        rerun_.push_back(name_of(ended->ref.point));
      }
      if (lost.contains(ended->ref.point) && !ended->accepted && ended->next == core::PointState::Done)
        ended->next = core::PointState::Pending;
    }
  }

  /// Adds an event for each accepted result whose events are lost.
  void add_events_of_results(std::vector<core::Event>& events, Instant now) {
    for (const auto& [key, stored] : results_) {
      const int index = core::find_point(fresh_.state, key.first);
      if (index < 0 || !stored.accepted || core::has_result(core::point_at(fresh_.state, index))) continue;
      const core::Event event{now, core::Salvaged{{key.first, key.second}, stored.node}};
      core::apply(fresh_.state, event);
      events.push_back(event);
    }
  }

  /// Returns true if the attempt has a recovered result that is accepted.
  bool has_accepted_result(const core::AttemptRef& ref) const {
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
  std::optional<journal::Journal> old_;
  Sweep fresh_;
  std::map<Key, Stored> results_;
  journal::Batch batch_;
  std::string damage_;       // of the events
  std::string check_error_;  // the error of the journal's check if the events are sound
  std::int64_t events_lost_ = 0;
  std::size_t results_lost_ = 0, events_kept_ = 0, from_raw_ = 0;
  std::vector<std::string> rerun_;  // names of points
};

/// What a new journal is made from.
struct Source {
  std::optional<journal::Journal> old;
  journal::Opening opening;
  Sweep fresh;         // before its first event
  std::string damage;  // of the old journal's opening; empty: that can be read
};

/// Opens the journal. If its matrix cannot be read, that is taken from sweep_configs.json. Fails with the
/// error of the journal if that is not possible either.
Expected<Source> open_source(const std::string& directory, Instant now) {
  Source out;
  auto old = journal::Journal::open_to_read(journal_path(directory));
  auto opening = old ? old->opening() : Expected<journal::Opening>(tl::unexpected(old.error()));
  // Without events: the withdrawn points matter only for file names, and the last resume may be among the
  // lost events.
  auto fresh = opening ? restore_sweep(*opening, {}) : Expected<Sweep>(tl::unexpected(opening.error()));
  if (!fresh) {
    out.damage = fresh.error().message;
    opening = opening_from_files(directory, now);
    if (!opening) return fail(out.damage + "; " + opening.error().message);
    fresh = restore_sweep(*opening, {});
    if (!fresh) return tl::unexpected(fresh.error());
  }
  if (old) out.old = std::move(*old);
  out.opening = std::move(*opening);
  out.fresh = std::move(*fresh);
  return out;
}

Expected<void> rename(const std::string& from, const std::string& to) {
  if (std::rename(from.c_str(), to.c_str()) == 0) return {};
  return fail("cannot rename '" + from + "' to '" + to + "': " + errno_text(errno));
}

}  // namespace

Expected<std::vector<std::string>> salvage(const std::string& directory, Instant now) {
  const std::string path = journal_path(directory), fresh_path = directory + "/fresh.db",
                    kept_as = path + ".damaged-" + local_stamp(now);
  SWEEP_ASSIGN(auto source, open_source(directory, now));
  std::error_code ignored;
  fs::remove(fresh_path, ignored);  // left by a recovery that was interrupted
  SWEEP_ASSIGN(auto recovered, journal::Journal::create(fresh_path, source.opening));
  Salvage work(directory, std::move(source.old), std::move(source.fresh), std::move(source.damage));
  SWEEP_TRY(work.copy_into(recovered, now));
  SWEEP_TRY(recovered.finish());
  std::error_code code;
  const bool existed = fs::exists(fs::symlink_status(path, code));
  if (existed) SWEEP_TRY(rename(path, kept_as));
  for (const char* suffix : {"-wal", "-shm", "-journal"})
    fs::rename(path + suffix, kept_as + suffix, ignored);
  SWEEP_TRY(rename(fresh_path, path));
  return work.report(existed ? kept_as : "");
}

}  // namespace sweep
