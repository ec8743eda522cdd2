// The folders that one container has for itself on this node: /tmp, /dev/shm, what is written over its image.
// Made before it starts, gone after its end; what a supervisor that was killed leaves, the next one, or
// whoever tidies up, removes.
//
//   slurm-sweep-UID/containers/NAME/      in TMPDIR or /tmp: owner (its supervisor, its folders, how to end
//   it) SCRATCH/slurm-sweep-UID/boxes/NAME/   tmp, upper, work, root /dev/shm/slurm-sweep-UID/NAME/
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "container/core/request.hpp"
#include "container/core/start.hpp"
#include "util/error.hpp"

namespace sweep::container {

class OwnPlaces {
 public:
  /// Fails, naming the path, where they cannot be made.
  static Expected<OwnPlaces> make(const StartRequest& request);
  OwnPlaces(OwnPlaces&& other) noexcept
      : places_(other.places_), record_(std::exchange(other.record_, "")), box_(other.box_) {}
  OwnPlaces& operator=(OwnPlaces&&) = delete;
  ~OwnPlaces();

  const Places& places() const { return places_; }
  std::string upper() const { return box_ + "/upper"; }
  std::string work() const { return box_ + "/work"; }
  std::string mark() const { return places_.tmp + "/" + std::string(kStartMark); }

 private:
  OwnPlaces() = default;
  Expected<void> make_folders(const StartRequest& request);
  Places places_;
  std::string record_, box_;
};

/// What came of a container whose supervisor is dead.
struct RemovedContainer {
  std::string line;   // for people
  bool runs = false;  // it could not be ended, or nobody knows
};

/// Ends what containers of supervisors that are dead are left on this node, and removes their folders.
std::vector<RemovedContainer> tidy(const std::vector<std::string>& environment);

}  // namespace sweep::container
