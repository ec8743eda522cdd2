// Decides which process makes an entry of a cache: one of all processes that need it, on any number of
// machines.
//
// A claim is a file PATH.N. link(2) creates it or finds it, atomically, on NFS too, so flock is not needed.
// The file contains the holder's ProcessToken, and the holder touches it every kTouch. A claim is dead if its
// process is dead (on the same machine), or if it was not touched for kSilence, measured by the observer (on
// another machine; the clocks need not agree). A process that finds PATH.N dead creates PATH.N+1, which again
// only one process can do, and then removes the lower numbers. A dead claim is never deleted directly: that
// could delete the claim of a process that has just taken over.
//
// Rule: claims only save work and disk space. If two processes ever hold one claim, each still makes its own
// temporary file, and each rename publishes a complete entry.
#pragma once

#include <sys/types.h>

#include <ctime>
#include <optional>
#include <string>

#include "container/io/process_token.hpp"
#include "util/error.hpp"
#include "util/os/fd.hpp"
#include "util/time.hpp"

namespace sweep::container {

/// The claim file with the highest number.
struct ClaimHolder {
  int number = 0;
  ProcessToken token;  // default if the file cannot be read
  timespec touched{};
};
/// Returns the current holder of the claim at `path`; std::nullopt if there is none.
std::optional<ClaimHolder> claim_holder(const std::string& path);

/// A claim that this process holds. The destructor releases it.
class Claim {
 public:
  static constexpr Millis kTouch{10'000}, kSilence{60'000};

  /// Takes the claim at `path` if nobody holds it or, if `dead` is given, the one after `dead`. Returns
  /// std::nullopt if another process was first. Returns an error that names the path if the directory is not
  /// writable.
  static Expected<std::optional<Claim>> take(const std::string& path,
                                             const std::optional<ClaimHolder>& dead = std::nullopt);
  Claim(Claim&& other) noexcept;
  Claim& operator=(Claim&&) = delete;
  ~Claim();

  /// Returns false if another process took this one for dead and has taken over.
  bool is_still_ours() const;

 private:
  Claim(std::string path, int number);
  std::string file() const { return path_ + "." + std::to_string(number_); }
  void start_touching();

  std::string path_;
  int number_ = 0;
  pid_t touching_pid_ = -1;  // a child process that touches the file
};

/// Observes a claim that another process holds.
class ClaimObserver {
 public:
  explicit ClaimObserver(std::string path) : path_(std::move(path)) {}

  /// Reads the claim again and returns its holder; std::nullopt if there is no claim any more.
  const std::optional<ClaimHolder>& update(Instant now);
  /// Returns true if the holder that update() returned last is dead.
  bool is_dead(Instant now) const;
  /// Returns a descriptor that becomes readable when the holder's process ends; -1 if that cannot be
  /// observed.
  int process_end() const { return pidfd_.get(); }

 private:
  std::string path_;
  std::optional<ClaimHolder> holder_;
  Instant since_{};  // when the claim was first seen in its present state
  Fd pidfd_;
};

}  // namespace sweep::container
