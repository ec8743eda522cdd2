#include "controller/io/opening.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "controller/core/apply.hpp"
#include "controller/core/replay.hpp"
#include "controller/io/control_file.hpp"
#include "controller/io/output_dir.hpp"
#include "controller/io/outputs.hpp"
#include "controller/io/salvage.hpp"
#include "controller/profile/benchmark.hpp"
#include "controller/profile/record.hpp"
#include "util/json.hpp"
#include "util/os/files.hpp"
#include "util/text.hpp"

namespace sweep {

namespace {

struct Contents {
  journal::Journal journal;
  journal::Opening opening;
  std::vector<core::Event> events;
  Sweep sweep;  // as it was, with the profile's settings that the journal has
};

/// All of it must be readable and make sense, not only open.
Expected<Contents> read_whole(const std::string& directory) {
  SWEEP_ASSIGN(auto journal, journal::Journal::open_to_continue(journal_path(directory)));
  SWEEP_ASSIGN(auto opening, journal.opening());
  SWEEP_ASSIGN(auto events, journal.events());
  SWEEP_ASSIGN(auto sweep, restore_sweep(opening, events));
  return Contents{std::move(journal), std::move(opening), std::move(events), std::move(sweep)};
}

/// Whether the journal can be opened and is not what it was: then it can be recovered.
bool is_damaged(const std::string& directory) {
  auto journal = journal::Journal::open_to_read(journal_path(directory));
  if (!journal) return false;
  if (!journal->check()) return true;
  const auto opening = journal->opening();
  const auto events = journal->events();
  return !opening || !events || !restore_sweep(*opening, *events);
}

Expected<Contents> read_or_salvage(const std::string& directory, Instant now,
                                   std::vector<std::string>& notes) {
  auto contents = read_whole(directory);
  if (contents || !is_damaged(directory)) return contents;
  auto lines = salvage(directory, now);
  if (!lines) {
    return fail(
        contents.error().message + "; nothing of it can be recovered (" + lines.error().message +
        "): the results that were written are in raw/ and agg_*.json; a new --sweep-output starts again");
  }
  notes.insert(notes.end(), lines->begin(), lines->end());
  return read_whole(directory);
}

/// Half-written files of a controller that was killed (write_file_atomic).
void remove_leftovers(const std::string& directory) {
  for (const std::string& folder : {directory, directory + "/raw"}) {
    std::error_code ignored;
    for (const auto& item : std::filesystem::directory_iterator(folder, ignored)) {
      if (item.path().filename().string().find(".tmp-") != std::string::npos)
        std::filesystem::remove(item.path(), ignored);
    }
  }
}

Expected<void> make_folders(const std::string& directory) {
  for (const char* part : {"/raw", "/logs"}) {
    if (const auto made = make_directories(directory + part); !made) return made;
  }
  return {};
}

/// Why a resume could not write into the sweep's directory.
Error hindered(const Error& error) {
  return {error.message + "; nothing is lost: make room, or make the directory writable, then resume again"};
}

/// The same of one that could not even read its journal, where that is the directory's fault: SQLite says
/// little about it, so it is tried out.
Error hindered_or_not(const Error& error, const std::string& directory) {
  constexpr std::size_t kSome = 256 * 1024;  // a disk that is full has room for a small file now and then
  const std::string probe = directory + "/room.tmp-" + std::to_string(::getpid());
  const auto written = write_file_atomic(probe, std::string(kSome, '.'));
  std::error_code ignored;
  std::filesystem::remove(probe, ignored);
  return written ? error : hindered(error);
}

/// The files of results that do not count any more, out of the way of those that collect them. The journal
/// has them, should the points come back.
void put_aside(const std::string& directory, const Sweep& was, const std::set<std::string>& withdrawn) {
  for (const std::string& id : withdrawn) {
    const int index = core::find_point(was.state, id);
    if (index < 0) continue;
    for (const core::Attempt& attempt : core::point_at(was.state, index).attempts) {
      if (!attempt.accepted) continue;
      const std::string name = result_filename(was.plan, index, attempt.node);
      std::error_code ignored;
      std::filesystem::create_directories(directory + "/withdrawn", ignored);
      std::filesystem::rename(directory + "/" + agg_name(name), directory + "/withdrawn/" + agg_name(name),
                              ignored);
      std::filesystem::rename(directory + "/raw/" + name + ".json",
                              directory + "/withdrawn/" + name + ".json", ignored);
    }
  }
}

std::string shown(const nlohmann::ordered_json& value) {
  return printable(value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

/// "max-model-len 2248 -> 4096, image …"
std::string difference(const nlohmann::ordered_json& was, const nlohmann::ordered_json& is) {
  std::string out;
  const auto add = [&](const std::string& text) { out += (out.empty() ? "" : ", ") + text; };
  for (const auto& [key, value] : was.items()) {
    if (!is.contains(key)) {
      add(printable(key) + " " + shown(value) + " is gone");
    } else if (is[key] != value) {
      add(printable(key) + " " + shown(value) + " -> " + shown(is[key]));
    }
  }
  for (const auto& [key, value] : is.items()) {
    if (!was.contains(key)) add(printable(key) + " " + shown(value) + " is new");
  }
  return out;
}

Expected<void> accept(const MatrixChange& change, const ResumeWishes& wishes) {
  if (!change.any() || wishes.accept_changes) return {};
  constexpr std::size_t kMostLines = 20;
  std::string out =
      "the matrix is not that of the sweep; --sweep-accept-changes (sweepctl run --accept-changes) "
      "goes on with it all the same:";
  for (std::size_t i = 0; i < std::min(change.lines.size(), kMostLines); ++i)
    out += "\n  " + change.lines[i];
  if (change.lines.size() > kMostLines)
    out += "\n  and " + std::to_string(change.lines.size() - kMostLines) + " more";
  return fail(out);
}

/// Pending points: those that a resume makes pending are so already.
Expected<void> something_is_left(const core::State& state) {
  if (state.count(core::PointState::Pending) > 0) return {};
  const int failed = state.count(core::PointState::Failed);
  const std::string done = std::to_string(state.count(core::PointState::Done)) + " of " +
                           counted(static_cast<std::size_t>(core::total_points(state)), "point") + " done";
  if (failed == 0) return fail("nothing is left to resume: " + done);
  return fail("nothing is left to resume: " + done + ", " + std::to_string(failed) +
              " failed; --sweep-retry-failed (sweepctl run --retry-failed) tries those again");
}

MatrixChange change_for(const Contents& contents, const ResumeWishes& wishes) {
  const std::set<std::string> before = withdrawn_points(contents.events);
  if (wishes.plan) return compare_matrix(contents.sweep.plan.points, before, wishes.plan->points);
  MatrixChange same;
  same.withdrawn = before;
  same.entries = contents.opening.entries;
  return same;
}

}  // namespace

MatrixChange compare_matrix(const std::vector<Point>& were, const std::set<std::string>& withdrawn_before,
                            const std::vector<Point>& are) {
  MatrixChange out;
  std::map<std::string, const Point*> by_id, removed;  // removed: by label
  for (const Point& point : are) {
    by_id[point.id] = &point;
    out.entries.push_back(point.entry);
  }
  std::set<std::string> known;
  for (const Point& point : were) {
    if (!withdrawn_before.contains(point.id)) known.insert(point.id);
    if (by_id.contains(point.id)) continue;
    out.withdrawn.insert(point.id);
    out.entries.push_back(point.entry);
    if (!withdrawn_before.contains(point.id)) removed[label(point)] = &point;
  }
  for (const Point& point : are) {
    if (known.contains(point.id)) continue;
    const std::string name = label(point);
    const auto old = removed.find(name);
    if (old == removed.end()) {
      out.lines.push_back("added    " + printable(name));
    } else {
      out.lines.push_back("changed  " + printable(name) + ": " +
                          difference(entry_of(*old->second), entry_of(point)));
      removed.erase(old);
    }
  }
  for (const auto& [name, point] : removed)
    out.lines.push_back("removed  " + printable(name));
  return out;
}

Expected<OpenedSweep> begin_sweep(Sweep sweep, const std::string& directory) {
  SWEEP_ASSIGN(auto journal, journal::Journal::create(journal_path(directory), opening_of(sweep)));
  return OpenedSweep{std::move(sweep), std::move(journal), make_key_pair(), make_key_pair()};
}

Expected<OpenedSweep> take_over_sweep(const std::string& directory, const std::string& server_key,
                                      Instant now, std::vector<std::string>& notes) {
  SWEEP_ASSIGN(const auto control, read_control_file(directory));
  if (!control)
    return fail("'" + directory + "' has no sweep.control: there is no controller to take over from");
  if ((control)->server_key != server_key)
    return fail("the sweep in '" + directory + "' has been resumed by a controller on " +
                printable((control)->host) + ", pid " + std::to_string((control)->pid));
  auto profile = profile::profile_from_json((control)->profile);
  if (!profile) return fail("'" + directory + "/sweep.control': " + profile.error().message);
  const auto server_public = public_key_of((control)->server_secret);
  const auto client_public = public_key_of((control)->client_secret);
  if (!server_public) return tl::unexpected(server_public.error());
  if (!client_public) return tl::unexpected(client_public.error());
  SWEEP_ASSIGN(auto contents, read_or_salvage(directory, now, notes));
  SWEEP_ASSIGN(auto sweep, restore_sweep(contents.opening, contents.events, std::move(*profile)));
  remove_leftovers(directory);
  const core::Decision decision = core::advance(sweep.state, core::Recover{SWEEP_VERSION}, now);
  if (const auto done = contents.journal.commit({decision.events, {}}); !done)
    return tl::unexpected(done.error());
  const bool munge = sweep.plan.profile.auth == profile::Profile::Auth::Munge;
  return OpenedSweep{std::move(sweep),
                     std::move(contents.journal),
                     {*server_public, (control)->server_secret},
                     {*client_public, (control)->client_secret},
                     munge ? Admission::By::Munge : Admission::By::Key};
}

Expected<void> check_resume(const std::string& directory, const ResumeWishes& wishes, Instant now) {
  auto archive = open_archive(directory);
  // A damaged one is recovered when it comes to that.
  if (!archive) return is_damaged(directory) ? Expected<void>() : tl::unexpected(archive.error());
  auto opening = archive->journal.opening();
  auto events = archive->journal.events();
  if (!opening || !events) return {};
  Contents contents{std::move(archive->journal), std::move(*opening), std::move(*events),
                    std::move(archive->sweep)};
  const MatrixChange change = change_for(contents, wishes);
  SWEEP_TRY(accept(change, wishes));
  if (change.any()) return {};  // then there is something to do, or it is found out later
  core::State& state = contents.sweep.state;
  core::apply(
      state,
      {now, core::Resumed{"", "", wishes.retry_failed, {change.withdrawn.begin(), change.withdrawn.end()}}});
  return something_is_left(state);
}

Expected<OpenedSweep> resume_sweep(const std::string& directory, ResumeWishes wishes, Instant now,
                                   std::vector<std::string>& notes) {
  auto contents = read_or_salvage(directory, now, notes);
  if (!contents) return tl::unexpected(hindered_or_not(contents.error(), directory));
  const Sweep& was = contents->sweep;
  const MatrixChange change = change_for(*contents, wishes);
  if (const auto good = accept(change, wishes); !good) return tl::unexpected(good.error());
  for (const std::string& line : change.lines)
    notes.push_back(line);

  SWEEP_ASSIGN(auto points, read_points(change.entries));
  if (const auto read = profile::load_recipes(wishes.profile, points); !read)
    return tl::unexpected(read.error());
  SWEEP_ASSIGN(auto plan, plan_points(std::move(points), std::move(wishes.profile), change.withdrawn));
  Sweep sweep{std::move(plan), {}, std::move(wishes.facts)};
  sweep.facts.sweep = was.facts.sweep;
  sweep.facts.opened = was.facts.opened;
  sweep.facts.directory = directory;
  if (sweep.facts.configs.empty()) sweep.facts.configs = was.facts.configs;
  if (!wishes.plan) sweep.facts.select = was.facts.select;
  const core::Event resumed{now, core::Resumed{SWEEP_VERSION,
                                               sweep.facts.job,
                                               wishes.retry_failed,
                                               {change.withdrawn.begin(), change.withdrawn.end()}}};
  // Together, because the profile may be another one by now: the old events alone may break its rules.
  contents->events.push_back(resumed);
  sweep.state = core::make_state(core_settings(sweep.plan), core_points(sweep.plan));
  SWEEP_TRY(core::replay(sweep.state, contents->events));
  SWEEP_TRY(something_is_left(sweep.state));
  if (auto done = contents->journal.reopen(opening_of(sweep), {{resumed}, {}}); !done)
    return tl::unexpected(hindered(done.error()));
  if (auto done = make_folders(directory); !done) return tl::unexpected(hindered(done.error()));
  remove_leftovers(directory);
  put_aside(directory, was, change.withdrawn);
  return OpenedSweep{std::move(sweep), std::move(contents->journal), make_key_pair(), make_key_pair()};
}

}  // namespace sweep
