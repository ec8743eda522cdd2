// The directories of one container on this node: /tmp, /dev/shm, and the changes to its image. They are made
// before the container starts and removed after its end. If the supervisor is killed, the next one (or
// `sweep-agent --tidy`) removes them.
//
//   slurm-sweep-UID/containers/NAME/      in TMPDIR or /tmp; the file `owner` names the supervisor, the
//                                         directories and the command that ends the container
//   SCRATCH/slurm-sweep-UID/boxes/NAME/   tmp, upper, work, root
//   /dev/shm/slurm-sweep-UID/NAME/
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "container/core/request.hpp"
#include "container/core/start.hpp"
#include "util/error.hpp"
#include "util/time.hpp"

namespace sweep::container {

/// Owns the directories of one container; the destructor removes them.
class ScopedFolders {
 public:
  /// Ends and removes abandoned containers, then creates the directories. Returns an error that names the
  /// path.
  static Expected<ScopedFolders> make(const StartRequest& request);
  ScopedFolders(ScopedFolders&& other) noexcept
      : folders_(std::move(other.folders_)),
        record_(std::exchange(other.record_, "")),
        box_(std::move(other.box_)) {}
  ScopedFolders& operator=(ScopedFolders&&) = delete;
  ~ScopedFolders();

  const ContainerFolders& folders() const { return folders_; }
  std::string upper() const { return box_ + "/upper"; }  // overlayfs: the changes to the image
  std::string work() const { return box_ + "/work"; }    // overlayfs: its work directory
  std::string start_mark() const { return folders_.tmp + "/" + std::string(kStartMark); }

 private:
  ScopedFolders() = default;
  Expected<void> make_folders(const StartRequest& request);
  ContainerFolders folders_;
  std::string record_, box_;  // containers/NAME and boxes/NAME
};

/// A container whose supervisor is dead, and what was done about it.
struct RemovedContainer {
  std::string line;   // one line for people
  bool runs = false;  // it still runs, or that is unknown
};

/// Waits until the supervisors of the step's containers have ended, at most `patience`. For the end of a step, at
/// which they are killed: a process that is being killed counts as alive for some milliseconds more.
void wait_for_supervisors(const std::vector<std::string>& environment, Millis patience);

/// Ends the containers on this node whose supervisors are dead, and removes their directories.
std::vector<RemovedContainer> remove_abandoned_containers(const std::vector<std::string>& environment);

}  // namespace sweep::container
