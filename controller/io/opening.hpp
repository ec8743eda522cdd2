// How a controller comes to its sweep: a new one, one whose controller died a moment ago, or one that ended,
// or was left, on another day.
//
// Rules: what is changed in the journal by that is committed before anybody is listened to. A journal that is
// damaged is recovered first (salvage.hpp); what was lost is said in `notes`.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/io/driver.hpp"
#include "util/error.hpp"
#include "util/time.hpp"

namespace sweep {

/// A new sweep in `directory` (claimed, see output_dir.hpp), with new keys. `sweep.facts` must be filled in.
Expected<OpenedSweep> begin_sweep(Sweep sweep, const std::string& directory);

/// The sweep in `directory` as the controller left it that died: same keys, same profile, and its agents,
/// which go on. Fails, naming the file, when there is nothing to take over, and when the sweep there has
/// another server key: somebody has resumed it meanwhile.
Expected<OpenedSweep> take_over_sweep(const std::string& directory, const std::string& server_key,
                                      Instant now, std::vector<std::string>& notes);

/// What somebody who resumes a sweep wants.
struct ResumeWishes {
  std::optional<Plan> plan;  // the matrix as it is now; nothing: the journal's
  profile::Profile profile;
  bool retry_failed = false, accept_changes = false;
  view::Facts facts;  // of this session: version, job, owner, profile, working directory, resume; the rest is
                      // the sweep's
};

/// How the matrix differs from that of the journal.
struct MatrixChange {
  std::vector<std::string> lines;    // for people: one for each point that is added, removed or changed
  std::set<std::string> withdrawn;   // ids of the journal that the matrix has no more
  std::vector<std::string> entries;  // the matrix, then those that are withdrawn
  bool any() const { return !lines.empty(); }
};
/// Pure. `were`: the journal's points but for those that were withdrawn before.
MatrixChange compare_matrix(const std::vector<Point>& were, const std::set<std::string>& withdrawn_before,
                            const std::vector<Point>& are);

/// Whether resume_sweep would go on, without changing anything. Fails with what is in the way.
Expected<void> check_resume(const std::string& directory, const ResumeWishes& wishes, Instant now);

/// The sweep in `directory`, to go on with new agents: new keys; done points are kept. Fails, naming the file
/// or the change, when there is none, when its controller lives, and when the matrix has changed and that is
/// not accepted.
Expected<OpenedSweep> resume_sweep(const std::string& directory, ResumeWishes wishes, Instant now,
                                   std::vector<std::string>& notes);

}  // namespace sweep
