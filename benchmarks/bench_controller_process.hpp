// Other processes as /proc shows them, and a `sweepctl serve` that is started the way the plugin starts it.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "util/error.hpp"
#include "util/os/fd.hpp"
#include "util/os/process.hpp"
#include "util/os/signals.hpp"

namespace sweep::bench {

// --- any process

/// What a process has used, in all its threads.
struct Usage {
  double cpu_seconds = 0;
  long rss_kib = 0, peak_kib = 0;  // resident set, now and at its largest
  long pss_kib = -1;               // its share of what is resident; -1: the kernel does not say
  int descriptors = 0;
};

/// Nothing when the process is gone.
std::optional<Usage> usage_of(pid_t pid);

/// The process's children, theirs, and so on, without itself.
std::vector<pid_t> descendants_of(pid_t pid);

/// The name of its program, as the kernel keeps it: at most 15 characters.
std::string program_of(pid_t pid);

/// The limit of open descriptors, brought to at least `wanted` for this process and its children. Fails,
/// saying which limit is in the way.
Expected<void> allow_descriptors(std::size_t wanted);

/// The environment without what makes a sweep another one: no allocation, no profile of the user's.
std::vector<std::string> plain_environment(const std::string& home);

/// A matrix of `points` points in the short form: one concurrency each.
Expected<void> write_plain_matrix(const std::string& path, int points);

// --- the controller

struct ReadyLine {
  std::string endpoint, server_key, client_secret;
};

/// `sweepctl serve` of a sweep in `folder`, where profile.yaml and matrix.yaml are; its output directory is
/// folder/results. It ends when this object does, by force, or this process.
class Serve {
 public:
  Serve(Serve&& other) noexcept = default;
  Serve& operator=(Serve&&) = delete;
  ~Serve();
  static Expected<Serve> start(const std::string& bin, const std::string& folder, SignalFd& signals);

  const ReadyLine& ready() const { return ready_; }
  /// The controller itself: the process that has the sweep, which a supervisor may have started.
  pid_t controller() const { return controller_; }
  /// Waits for its end; the largest resident set that /proc showed of the controller on the way, in KiB.
  /// Fails when its status is not 0.
  Expected<long> finish(SignalFd& signals);

 private:
  Serve(Child child, Fd lifeline, std::string log)
      : child_(std::move(child)), lifeline_(std::move(lifeline)), log_(std::move(log)) {}
  Child child_;
  Fd lifeline_;
  std::string log_;
  ReadyLine ready_;
  pid_t controller_ = -1;
};

}  // namespace sweep::bench
