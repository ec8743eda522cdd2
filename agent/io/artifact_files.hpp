// The files of attempts on this machine: finding them in a working directory, and copying them into the spool.
//
// Rules: no link below the directory is followed, and only regular files are opened (util/os/beneath.hpp). Copying is
// done in steps that are short enough for the event loop. After any failure nothing is kept of that attempt.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "agent/core/actions.hpp"
#include "agent/core/artifacts.hpp"
#include "util/os/fd.hpp"

namespace sweep::agent {

/// Returns a text that is the same on all nodes that share the directory, and different for other directories;
/// empty if it cannot be found out.
std::string directory_id(const std::string& directory);

/// Creates an attempt's own folder. Returns false if that is not possible, or if it exists.
bool create_own_folder(const std::string& directory, const std::string& folder);
void remove_own_folder(const std::string& directory, const std::string& folder);

/// Returns the files in the directory that an attempt may have left (is_artifact), and those in its own folder
/// (empty: none).
std::vector<FoundFile> find_artifacts(const std::string& directory, const std::string& own_folder);

class ArtifactCopier {
 public:
  using OnInput = std::function<void(Input)>;
  explicit ArtifactCopier(OnInput on_input) : on_input_(std::move(on_input)) {}

  /// Copies the attempt's files to `folder`, which must not exist, as 0, 1, …; FilesCollected reports them.
  void start(const CollectFiles& what, const std::string& folder);
  /// Reports that nothing is collected. No-op if the attempt's files are not being copied.
  void stop(const AttemptRef& ref);

  bool active() const { return !jobs_.empty(); }
  /// Copies some megabytes.
  void step();

 private:
  struct Job {
    AttemptRef ref;
    std::string directory, own_folder, folder;
    std::vector<Choice::Item> items;
    std::size_t next = 0;  // in items
    Fd from, to;
    std::int64_t copied = 0;
    std::vector<Artifact> done;
    std::vector<std::string> left_out;
  };

  bool open_next(Job& job);
  void copy(Job& job);
  void close_copy(Job& job);
  void give_up(Job& job, const std::string& why);
  void report(Job& job);

  OnInput on_input_;
  std::deque<Job> jobs_;
  std::string buffer_;
};

}  // namespace sweep::agent
