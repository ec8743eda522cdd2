// The container images that the agent's leases need: which are staged, which are being staged, which failed.
//
// Rules: pure. Each image is staged once, however many attempts wait for it; at most one is staged ahead of
// need. A failure ends all attempts that wait for the image then, and is forgotten: the next attempt tries
// again.
#pragma once

#include <list>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/actions.hpp"
#include "agent/core/output_scanner.hpp"
#include "proto/base/outcome.hpp"

namespace sweep::agent {

class Images {
 public:
  struct Image {
    int serial = 0;
    container::StageRequest request;
    std::optional<container::Staged> staged;
    std::optional<Outcome> failure;
    bool needed = false;           // by an attempt; false: it is only staged ahead
    std::optional<Instant> until;  // when it must be staged
    container::StageProgress progress;
    bool done() const { return staged || failure; }
  };

  /// Returns the image, and begins to stage it if that has not happened. `limit`: how long that may take,
  /// from the first request by an attempt on; 0: there is no limit.
  const Image& ensure(const container::StageRequest& request, Millis limit, Instant now, Actions& out);
  /// Begins to stage the image ahead of need, unless any image is being staged.
  void prefetch(const container::StageRequest& request, Actions& out);
  /// Forgets a staged image because a container could not be set up from it: it is staged again when it is
  /// needed.
  void forget(const container::StageRequest& request);
  /// Forgets failures. To be called after all waiting attempts have seen them.
  void forget_failures();

  void on(const StageReported& input);
  void on_deadline(Instant now, Actions& out);
  std::optional<Instant> next_deadline() const;
  /// Stops all staging: the agent ends.
  void stop_all(Actions& out);

 private:
  Image* find(const container::StageRequest& request);
  Image& add(const container::StageRequest& request, bool ahead, Actions& out);

  struct KnownRuntime {
    container::Runtime requested;  // as a lease names it
    container::Staged by;
  };

  std::list<Image> images_;
  std::vector<KnownRuntime> known_;  // the runtimes that work on this node
  int serial_ = 0;
};

/// Returns the part of an image's staging that is shown as progress.
Bar bar_of(const container::StageProgress& progress);

}  // namespace sweep::agent
