// The way of an attempt's outcome to the controller, from its decision until the controller settles it: a state machine
// without I/O.
//
//   (Securing -> Collecting) -> Spooling -> Finished
//
//   Securing    as Spooling, before the files that the attempt left are collected: they may take long
//   Collecting  the files that it left besides its result are being copied; its GPUs are not free yet, because the next
//               benchmark in the same directory would overwrite them
//   Spooling    the outcome is being written to the node's disk, before it is sent
//   Finished    the outcome has been sent
//
// Rules: the result matters more than the files. It is kept before they are copied, because the agent may be killed
// meanwhile, and is sent without them if there is no time left for them.
#pragma once

#include <optional>
#include <string>

#include "agent/core/actions.hpp"

namespace sweep::agent {

class Delivery {
 public:
  /// `resend`: the time between two Finished.
  explicit Delivery(Millis resend) : resend_(resend) {}

  /// Begins with what was decided. `files`: collects the files; std::nullopt if none are collected.
  void begin(wire::Finished finished, std::string result, std::optional<CollectFiles> files, Actions& out);

  /// Returns true once the attempt needs its GPUs, its port and its directory no more.
  bool over() const { return finished() || stage_ == Stage::Spooling; }
  bool finished() const { return stage_ == Stage::Finished; }
  bool has_files() const { return finished() && !finished_.files.empty(); }
  /// Returns how the attempt ended. Valid once it has begun.
  OutcomeKind outcome_kind() const { return finished_.outcome.kind; }

  void on(const FilesCollected& input, Actions& out);
  void on(const Spooled& input, Instant now, Actions& out);
  /// The controller asks for a piece of a file, or for Finished again.
  void on_fetch(const wire::Fetch& fetch, Instant now, Actions& out);

  /// Collects no files, because the attempt or the agent is to end. Has no effect once they are collected.
  void skip_files(Actions& out);
  /// Sends Finished without files, if it had some: there is no time left to send them.
  void give_up_files(Instant now, Actions& out);
  void send(Instant now, Actions& out);

  std::optional<Instant> next_deadline() const;
  void on_deadline(Instant now, Actions& out);

 private:
  enum class Stage { None, Securing, Collecting, Spooling, Finished };

  void spool(Stage stage, Actions& out);

  Millis resend_;
  Stage stage_ = Stage::None;
  wire::Finished finished_;
  std::string result_;
  std::optional<CollectFiles> files_;  // until they are collected
  bool skips_files_ = false;
  Instant resend_at_{};
};

}  // namespace sweep::agent
