// The images that this agent's leases run in: which are there, which are on their way, which could not be
// had.
//
// Rules: pure. One staging for each image, however many attempts wait for it; one ahead of need at a time. A
// failure is told to all who wait then, and forgotten: the next attempt tries again.
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
    bool wanted = false;           // by an attempt, and not only ahead
    std::optional<Instant> until;  // when it must be there
    container::StageProgress progress;
    bool done() const { return staged || failure; }
  };

  /// The image, whose staging begins where it has not. `limit`: how long that may take from the first time on
  /// that it is wanted; 0: any time.
  const Image& want(const container::StageRequest& request, Millis limit, Instant now, Actions& out);
  /// Begins to stage it, unless it or another one is on its way.
  void want_ahead(const container::StageRequest& request, Actions& out);
  /// What a container could not be set up from may be gone: it is looked at anew when it is wanted again.
  void forget(const container::StageRequest& request);
  /// All who waited have been told.
  void forget_failures();

  void on(const StageTold& input);
  void on_time(Instant now, Actions& out);
  std::optional<Instant> next_deadline() const;
  /// The agent ends.
  void stop_all(Actions& out);

 private:
  Image* find(const container::StageRequest& request);
  Image& add(const container::StageRequest& request, bool ahead, Actions& out);

  struct Known {
    container::Runtime wanted;  // as a lease names it
    container::Staged by;
  };

  std::list<Image> images_;
  std::vector<Known> known_;  // runtimes that work here
  int serial_ = 0;
};

/// What of an image's staging is shown as progress.
Bar bar_of(const container::StageProgress& progress);

}  // namespace sweep::agent
