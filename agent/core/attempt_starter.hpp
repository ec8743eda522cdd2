// Gets each waiting attempt what it needs - its image, idle GPUs, its server - and then starts its benchmark.
//
// Rules: pure. Everything is decided in advance(), which runs after each input: there is no queue. Ports are
// found for one process at a time, because the next one must not get the same port.
#pragma once

#include <list>
#include <optional>
#include <vector>

#include "agent/core/actions.hpp"
#include "agent/core/attempt.hpp"
#include "agent/core/images.hpp"
#include "agent/core/server_pool.hpp"
#include "agent/core/setup.hpp"

namespace sweep::agent {

class AttemptStarter {
 public:
  /// `setup`, `attempts` (all attempts of the agent) and `servers` must outlive it.
  AttemptStarter(const Setup& setup, std::list<Attempt>& attempts, ServerPool& servers)
      : setup_(setup), attempts_(attempts), servers_(servers), samples_expected_(!setup.sampled.empty()) {}

  /// Takes every waiting attempt as far as it can go now. To be called after every input.
  void advance(Instant now, Actions& out);
  /// The same for one attempt that has just been leased.
  void advance(Attempt& attempt, Instant now, Actions& out);
  /// From now on idle servers are stopped and no image is staged ahead: no further attempts will come.
  void end_soon() { ending_ = true; }

  void on(const StageReported& input) { images_.on(input); }
  /// `expected`: samples of the GPUs arrive, or will soon.
  void set_samples_expected(bool expected) { samples_expected_ = expected; }
  /// Stages the image again before its next use, because a container could not be set up from it.
  void forget_image(const container::StageRequest& image) { images_.forget(image); }
  void stop_staging(Actions& out) { images_.stop_all(out); }

  void on_deadline(Instant now, Actions& out) { images_.on_deadline(now, out); }
  std::optional<Instant> next_deadline() const { return images_.next_deadline(); }

 private:
  bool has_image(Attempt& attempt, Instant now, Actions& out);
  void stage_next(const ContainerSpec& container, Actions& out);
  std::vector<int> ports_in_use() const;
  bool something_prepares() const;

  const Setup& setup_;
  std::list<Attempt>& attempts_;
  ServerPool& servers_;
  Images images_;
  bool samples_expected_;
  bool ending_ = false;
};

}  // namespace sweep::agent
