#include "controller/io/opening.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <tuple>

#include "controller/core/apply.hpp"
#include "controller/core/decide.hpp"
#include "controller/core/replay.hpp"
#include "controller/io/benchmark_gaps.hpp"
#include "controller/io/control_file.hpp"
#include "controller/io/incoming_files.hpp"
#include "controller/io/output_dir.hpp"
#include "controller/io/outputs.hpp"
#include "controller/io/salvage.hpp"
#include "controller/plan/hardware.hpp"
#include "controller/profile/benchmark.hpp"
#include "controller/profile/record.hpp"
#include "util/os/beneath.hpp"
#include "util/shell_word.hpp"
#include "util/text.hpp"

namespace sweep {

namespace {

/// Fails if a result that the events promise is not in the journal.
Expected<void> check_results(journal::Journal& journal, const Sweep& sweep) {
  SWEEP_ASSIGN(const auto stored, journal.accepted_results());
  std::set<std::pair<std::string, int>> all;
  for (const core::AttemptRef& ref : stored)
    all.emplace(ref.point, ref.attempt);
  for (std::size_t i = 0; i < sweep.state.points.size(); ++i) {
    const auto& attempts = sweep.state.points[i].attempts;
    for (std::size_t n = 0; n < attempts.size(); ++n) {
      if (attempts[n].accepted && !all.contains({sweep.state.points[i].spec.id, static_cast<int>(n) + 1}))
        return fail("journal: the result of " + printable(label(sweep.plan.points[i])) + ", attempt " +
                    std::to_string(n + 1) + ", is missing");
    }
  }
  return {};
}

/// Reads all of the journal. Fails if it does not open or if what it holds is not a sweep.
Expected<JournalContents> read_journal(Expected<journal::Journal> journal) {
  if (!journal) return tl::unexpected(journal.error());
  SWEEP_ASSIGN(auto opening, journal->opening());
  SWEEP_ASSIGN(auto events, journal->events());
  SWEEP_ASSIGN(auto sweep, restore_sweep(opening, events));
  SWEEP_TRY(check_results(*journal, sweep));
  return JournalContents{std::move(*journal), std::move(opening), std::move(events), std::move(sweep)};
}

/// Returns true if the journal is damaged, so that salvage() can recover it: also if it is missing, empty or
/// not a database any more, but there are other files to recover it from.
bool is_damaged(const std::string& directory) {
  using Condition = journal::Journal::Condition;
  std::error_code code;
  const bool missing =
      !std::filesystem::exists(std::filesystem::symlink_status(journal_path(directory), code));
  const Condition condition = journal::Journal::condition(journal_path(directory));
  if (missing || condition == Condition::Empty || condition == Condition::Damaged)
    return has_files_to_salvage(directory);
  auto journal = journal::Journal::open_to_read(journal_path(directory));
  if (!journal) return false;
  return !journal->check() || !read_journal(std::move(journal));
}

/// Recovers a damaged journal, of which `damage` is known, and opens it for writing.
Expected<JournalContents> recover_journal(const std::string& directory, const std::string& damage,
                                          Instant now, std::vector<std::string>& notes) {
  auto lines = salvage(directory, now);
  if (!lines) {
    return fail(
        damage + "; the journal cannot be recovered (" + lines.error().message +
        "); results that were already written are in raw/ and agg_*_conc*.json; to start again, choose "
        "another --sweep-output");
  }
  notes.insert(notes.end(), lines->begin(), lines->end());
  return read_journal(journal::Journal::open_to_continue(journal_path(directory)));
}

/// Removes the half-written files of a controller that was killed (write_file_atomic).
void remove_leftovers(const std::string& directory) {
  for (const std::string folder : {"", "raw"}) {
    for (const std::string& name : names_beneath(directory, folder)) {
      if (name.find(".tmp-") != std::string::npos)
        std::ignore = remove_beneath(directory, folder.empty() ? name : folder + "/" + name);
    }
  }
}

Expected<void> make_folders(const std::string& directory) {
  for (const char* part : {"raw", "logs"})
    SWEEP_TRY(make_folders_beneath(directory, part));
  return {};
}

/// Adds the remedy to the error of a resume that could not write into the sweep's directory.
Error with_remedy(const Error& error) {
  return {error.message + "; nothing is lost: make room or make the directory writable, then resume again"};
}

/// Adds that remedy only if the directory cannot be written to. SQLite's messages do not show this, so it is
/// tried with a file.
Error with_remedy_if_unwritable(const Error& error, const std::string& directory) {
  constexpr std::size_t kProbeBytes = 256 * 1024;  // a full disk sometimes still has room for a small file
  const std::string probe = "room.tmp-" + std::to_string(::getpid());
  const auto written = write_beneath(directory, probe, std::string(kProbeBytes, '.'));
  std::ignore = remove_beneath(directory, probe);
  return written ? error : with_remedy(error);
}

/// Moves the files of withdrawn points' results to withdrawn/, so that they are not taken for the sweep's
/// results. The journal keeps the results, in case the points come back.
void move_withdrawn_files(const std::string& directory, const Sweep& sweep,
                          const std::set<std::string>& withdrawn) {
  for (const std::string& id : withdrawn) {
    const int index = core::find_point(sweep.state, id);
    if (index < 0) continue;
    for (const core::Attempt& attempt : core::point_at(sweep.state, index).attempts) {
      if (!attempt.accepted) continue;
      const std::string name = result_filename(sweep.plan, index, attempt.node);
      std::ignore = make_folders_beneath(directory, "withdrawn");
      std::ignore = rename_beneath(directory, agg_name(name), "withdrawn/" + agg_name(name));
      std::ignore = rename_beneath(directory, "raw/" + name + ".json", "withdrawn/" + name + ".json");
      std::ignore = rename_beneath(directory, "raw/" + name, "withdrawn/" + name);
    }
  }
}

Expected<void> check_accepted(const MatrixChange& change, const ResumeWishes& wishes) {
  if (!change.any() || wishes.accept_changes) return {};
  constexpr std::size_t kMostLines = 20;
  std::string out =
      "cannot resume: the matrix has changed since the sweep was started; to resume with the new matrix, add "
      "--sweep-accept-changes (sweepctl run: --accept-changes). The changes:";
  for (std::size_t i = 0; i < std::min(change.lines.size(), kMostLines); ++i)
    out += "\n  " + change.lines[i];
  if (change.lines.size() > kMostLines)
    out += "\n  and " + std::to_string(change.lines.size() - kMostLines) + " more";
  return fail(out);
}

/// Fails if no point is pending in `state`, the state after the resume, and `wishes` do not accept that.
Expected<void> check_any_pending(const core::State& state, const ResumeWishes& wishes,
                                 const std::string& directory) {
  if (wishes.may_be_finished || state.count(core::PointState::Pending) > 0) return {};
  const int failed = state.count(core::PointState::Failed);
  const std::string done = std::to_string(state.count(core::PointState::Done)) + " of " +
                           counted(static_cast<std::size_t>(core::total_points(state)), "point") + " done";
  if (failed == 0)
    return fail("nothing to resume: " + done + "; the results are in '" + printable(directory) + "'");
  return fail("nothing to resume: " + done + ", " + std::to_string(failed) +
              " failed; to retry failed points, add --sweep-retry-failed (sweepctl run: --retry-failed)");
}

MatrixChange change_for(const JournalContents& contents, const ResumeWishes& wishes) {
  const std::set<std::string> before = withdrawn_points(contents.events);
  if (wishes.plan) return compare_matrix(contents.sweep.plan.points, before, wishes.plan->points);
  MatrixChange none;
  none.withdrawn = before;
  none.entries = contents.opening.entries;
  return none;
}

/// Returns the plan of a resumed sweep. A given matrix was checked with its selection when it was loaded. `notes`
/// receives lines for the user.
Expected<Plan> resumed_plan(const std::string& directory, const MatrixChange& change,
                            const ResumeWishes& wishes, std::vector<std::string>& notes) {
  SWEEP_ASSIGN(auto points, read_points(change.entries));
  profile::Profile profile = wishes.profile;
  SWEEP_TRY(profile::load_recipes(profile, points, change.withdrawn));
  SWEEP_ASSIGN(auto plan, plan_points(std::move(points), std::move(profile), change.withdrawn));
  if (!wishes.plan) SWEEP_TRY(check_hardware(plan, std::nullopt));
  std::vector<std::string> warnings;
  if (wishes.benchmark) SWEEP_TRY(check_benchmark(plan, *wishes.benchmark, warnings));
  if (wishes.benchmark) SWEEP_TRY(check_benchmark_gaps(plan, *wishes.benchmark, notes));
  SWEEP_TRY(check_resumed_output(directory, plan));
  return plan;
}

/// Returns the message for a journal that does not open because its controller runs; std::nullopt in other
/// cases.
std::optional<Error> still_running(const std::string& directory) {
  if (journal::Journal::open_to_read(journal_path(directory))) return std::nullopt;
  const auto control = read_control_file(directory);
  if (!control || !*control) return std::nullopt;
  return Error{"cannot resume the sweep in '" + directory + "': it is still running (" +
               controller_text(**control) + "); wait until it ends (see sweepctl status " +
               shell_word(directory) + ") or cancel it (sweepctl cancel " + shell_word(directory) +
               "), then resume"};
}

}  // namespace

Expected<OpenedSweep> begin_sweep(Sweep sweep, const std::string& directory) {
  SWEEP_ASSIGN(auto journal, journal::Journal::create(journal_path(directory), opening_of(sweep)));
  remove_leftovers(directory);
  return OpenedSweep{std::move(sweep), std::move(journal), make_key_pair(), make_key_pair()};
}

Expected<OpenedSweep> take_over_sweep(const std::string& directory, const std::string& server_key,
                                      Instant now, std::vector<std::string>& notes) {
  SWEEP_ASSIGN(const auto control, read_control_file(directory));
  if (!control)
    return fail("'" + directory + "' has no sweep.control: there is no controller to take over from");
  if (control->server_key != server_key)
    return fail("the sweep in '" + directory + "' was resumed by another " + controller_text(*control));
  auto profile = profile::profile_from_json(control->profile);
  if (!profile) return fail("'" + directory + "/sweep.control': " + profile.error().message);
  SWEEP_ASSIGN(const auto server_public, public_key_of(control->server_secret));
  SWEEP_ASSIGN(const auto client_public, public_key_of(control->client_secret));
  // A statement of its own: the journal must be closed before is_damaged() opens it.
  auto contents = read_journal(journal::Journal::open_to_continue(journal_path(directory)));
  if (!contents && is_damaged(directory))
    contents = recover_journal(directory, contents.error().message, now, notes);
  if (!contents) return tl::unexpected(contents.error());
  SWEEP_ASSIGN(auto sweep, restore_sweep(contents->opening, contents->events, std::move(*profile)));
  remove_leftovers(directory);
  const core::Decision decision = core::advance(sweep.state, core::Recover{SWEEP_VERSION}, now);
  SWEEP_TRY(contents->journal.commit({decision.events, {}}));
  remove_unaccepted_files(directory, sweep.plan, sweep.state);
  const bool munge = sweep.plan.profile.auth == profile::Profile::Auth::Munge;
  return OpenedSweep{std::move(sweep),
                     std::move(contents->journal),
                     {server_public, control->server_secret},
                     {client_public, control->client_secret},
                     munge ? Admission::By::Munge : Admission::By::Key};
}

Expected<ResumableSweep> ResumableSweep::from(std::string directory, Expected<JournalContents> contents) {
  ResumableSweep out(std::move(directory));
  if (contents) {
    out.profile_file_ = contents->sweep.facts.profile;
    out.contents_.emplace(std::move(*contents));
    return out;
  }
  if (!is_damaged(out.directory_)) return tl::unexpected(contents.error());
  out.damage_ = contents.error().message;
  // A damaged result, for example, does not hide the facts.
  if (const auto archive = open_archive(out.directory_); archive)
    out.profile_file_ = archive->sweep.facts.profile;
  return out;
}

Expected<ResumableSweep> ResumableSweep::open(const std::string& directory) {
  SWEEP_ASSIGN(const auto path, find_resumable_dir(directory));
  auto contents = read_journal(journal::Journal::open_to_continue(journal_path(path)));
  auto out = from(path, std::move(contents));
  if (out) return out;
  if (const auto running = still_running(directory)) return tl::unexpected(*running);
  return tl::unexpected(with_remedy_if_unwritable(out.error(), path));
}

Expected<ResumableSweep> ResumableSweep::open_to_check(const std::string& directory) {
  SWEEP_ASSIGN(const auto path, find_resumable_dir(directory));
  auto contents = read_journal(journal::Journal::open_to_read(journal_path(path)));
  auto out = from(path, std::move(contents));
  if (out) return out;
  return tl::unexpected(still_running(directory).value_or(out.error()));
}

Expected<void> ResumableSweep::check(const ResumeWishes& wishes, Instant now) const {
  if (!contents_) return {};
  const MatrixChange change = change_for(*contents_, wishes);
  SWEEP_TRY(check_accepted(change, wishes));
  std::vector<std::string> notes;
  SWEEP_TRY(resumed_plan(directory_, change, wishes, notes));
  if (change.any()) return {};  // resume() counts the points of the new matrix
  core::State state = contents_->sweep.state;
  core::apply(
      state,
      {now, core::Resumed{"", "", wishes.retry_failed, {change.withdrawn.begin(), change.withdrawn.end()}}});
  return check_any_pending(state, wishes, directory_);
}

Expected<OpenedSweep> ResumableSweep::resume(ResumeWishes wishes, Instant now,
                                             std::vector<std::string>& notes) && {
  if (!contents_) {
    auto recovered = recover_journal(directory_, damage_, now, notes);
    if (!recovered) return tl::unexpected(with_remedy_if_unwritable(recovered.error(), directory_));
    contents_.emplace(std::move(*recovered));
  }
  const Sweep& before = contents_->sweep;
  const MatrixChange change = change_for(*contents_, wishes);
  SWEEP_TRY(check_accepted(change, wishes));
  notes.insert(notes.end(), change.lines.begin(), change.lines.end());

  SWEEP_ASSIGN(auto plan, resumed_plan(directory_, change, wishes, notes));
  Sweep sweep{std::move(plan), {}, std::move(wishes.facts)};
  sweep.facts.sweep = before.facts.sweep;
  sweep.facts.opened = before.facts.opened;
  sweep.facts.directory = directory_;
  if (sweep.facts.configs.empty()) sweep.facts.configs = before.facts.configs;
  if (!wishes.plan) sweep.facts.select = before.facts.select;
  const core::Event resumed{now, core::Resumed{SWEEP_VERSION,
                                               sweep.facts.job,
                                               wishes.retry_failed,
                                               {change.withdrawn.begin(), change.withdrawn.end()}}};
  // Replayed together with the old events: under the new profile's settings the old events alone may be
  // invalid.
  contents_->events.push_back(resumed);
  sweep.state = core::make_state(core_settings(sweep.plan), core_points(sweep.plan));
  SWEEP_TRY(core::replay(sweep.state, contents_->events));
  SWEEP_TRY(check_any_pending(sweep.state, wishes, directory_));
  if (auto done = contents_->journal.reopen(opening_of(sweep), {{resumed}, {}}); !done)
    return tl::unexpected(with_remedy(done.error()));
  if (auto done = make_folders(directory_); !done) return tl::unexpected(with_remedy(done.error()));
  remove_leftovers(directory_);
  move_withdrawn_files(directory_, before, change.withdrawn);
  std::ignore = remove_tree_beneath(directory_, kIncoming);
  remove_unaccepted_files(directory_, sweep.plan, sweep.state);
  return OpenedSweep{std::move(sweep), std::move(contents_->journal), make_key_pair(), make_key_pair()};
}

}  // namespace sweep
