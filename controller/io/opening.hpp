// How a controller opens its sweep: a new one, one whose controller died a moment ago (take over), or one
// that ended or was interrupted earlier (resume).
//
// Rules: what the opening changes in the journal is committed before the controller listens. A damaged
// journal is recovered first (salvage.hpp); `notes` receives what was lost, one line each.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controller/io/matrix_change.hpp"
#include "controller/io/opened_sweep.hpp"
#include "controller/io/start_checks.hpp"
#include "util/error.hpp"
#include "util/time.hpp"

namespace sweep {

/// Creates the journal of a new sweep, with new keys, in `directory`, which claim_output_dir() has returned.
/// `sweep.facts` must be filled in.
Expected<OpenedSweep> begin_sweep(Sweep sweep, const std::string& directory);

/// Opens the sweep in `directory` in place of its controller, which died: with the same keys and profile, and
/// with its agents, which continue. Fails, naming the file, if there is no control file or journal, and if
/// the sweep has another server key by now, because it was resumed.
Expected<OpenedSweep> take_over_sweep(const std::string& directory, const std::string& server_key,
                                      Instant now, std::vector<std::string>& notes);

/// What a resume asks for.
struct ResumeWishes {
  std::optional<Plan> plan;  // of the matrix that was given; std::nullopt: keep the journal's matrix
  profile::Profile profile;
  bool retry_failed = false, accept_changes = false;
  bool may_be_finished = false;                    // a sweep without a point left to run is not refused
  std::optional<BenchmarkCommand> benchmark = {};  // to be checked; std::nullopt: checked already
  view::Facts
      facts;  // of this session: version, job, owner, profile, working directory, resume command. The rest
              // is taken from the journal.
};

/// Everything in a journal, read.
struct JournalContents {
  journal::Journal journal;
  journal::Opening opening;
  std::vector<core::Event> events;
  Sweep sweep;  // with the settings that the journal keeps of its profile
};

/// A sweep that is to be resumed. Its journal is opened and read once, by open().
class ResumableSweep {
 public:
  /// Opens the journal in `directory` (as the user gave it) for writing; from then on no other controller can
  /// open it. Fails, naming the directory and the remedy, if it holds no sweep, cannot be written to, or its
  /// controller runs. A damaged journal is not an error here: resume() recovers it.
  static Expected<ResumableSweep> open(const std::string& directory);
  /// Opens the journal for check() only. Changes nothing.
  static Expected<ResumableSweep> open_to_check(const std::string& directory);

  /// The output directory, absolute.
  const std::string& directory() const { return directory_; }
  /// The profile file that the sweep was started with; "" if there was none or the journal is too damaged to
  /// read it.
  const std::string& profile_file() const { return profile_file_; }

  /// Fails with the reason for which resume() would refuse `wishes`. Succeeds if the journal has to be
  /// recovered first.
  Expected<void> check(const ResumeWishes& wishes, Instant now) const;

  /// Starts a new session of the sweep: new keys, no agents; done points are kept. Fails, and changes
  /// nothing, if the matrix has changed and `wishes` do not accept that (one line for each change), or if no
  /// point is left to run and `wishes` do not accept that.
  Expected<OpenedSweep> resume(ResumeWishes wishes, Instant now, std::vector<std::string>& notes) &&;

 private:
  /// `contents`: the journal as read; closed by now if that failed.
  static Expected<ResumableSweep> from(std::string directory, Expected<JournalContents> contents);
  explicit ResumableSweep(std::string directory) : directory_(std::move(directory)) {}

  std::string directory_, profile_file_;
  std::optional<JournalContents> contents_;  // std::nullopt: the journal is damaged
  std::string damage_;                       // why it could not be read
};

}  // namespace sweep
