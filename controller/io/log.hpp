// logs/controller.log: events that people need only if something is wrong.
//
// Rules: it never contains a secret. What a peer has sent is made printable and cut. Peers cannot fill the
// disk: the lines that they cause are rate-limited per kind, and lines that are not written are counted.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "proto/wire/codec.hpp"
#include "util/time.hpp"

namespace spdlog {
class logger;
}

namespace sweep {

/// A token bucket: up to `burst` tokens at once, then one per `interval`. Pure.
class TokenBucket {
 public:
  TokenBucket(int burst, Millis interval) : burst_(burst), interval_(interval) {}
  /// Takes a token. Returns false if there is none now.
  bool take(Instant now);
  void slow_down(Millis interval) { interval_ = interval; }

 private:
  int burst_;
  Millis interval_;
  Instant used_until_{};  // the time up to which tokens have been taken in advance
};

/// What peers do wrong. Each kind is counted and rate-limited separately, so that a flood of one hides no
/// other.
enum class Fault {
  Key,        // connected with another key
  Handshake,  // connected without a key, or does not speak ZeroMQ
  Admission,  // has the key but is not admitted (admission.hpp)
  Frame,      // sent frames, lengths, types or fields that are not a message
  Version,    // speaks another version of the protocol
  Order,      // sent a message that is not allowed at that point
};
inline constexpr std::size_t kFaults = 6;

Fault fault_of(wire::DecodeFault fault);

/// Decides which lines of one kind are written, and counts all of them. Pure.
class LineLimiter {
 public:
  /// `burst` and `interval` as in TokenBucket; after `most` written lines the interval is one minute.
  LineLimiter(int burst, Millis interval, std::uint64_t most) : bucket_(burst, interval), most_(most) {}

  struct Verdict {
    bool write = false;
    std::uint64_t omitted = 0;  // lines that were not written since the last one that was
  };
  /// Counts one line and returns whether to write it.
  Verdict count_line(Instant now);
  std::uint64_t count() const { return count_; }
  /// The number of lines that were not written since the last one that was.
  std::uint64_t omitted() const { return omitted_; }

 private:
  TokenBucket bucket_;
  std::uint64_t most_, count_ = 0, written_ = 0, omitted_ = 0;
};

class Log {
 public:
  /// Appends to the file `path` below `root` (util/os/beneath.hpp). If that cannot be opened, nothing is
  /// logged, and problem() says why.
  Log(const std::string& root, const std::string& path);

  /// Returns why the file could not be opened; "" if it was.
  const std::string& problem() const { return problem_; }

  /// Logs what the controller itself does. Not rate-limited.
  void info(const std::string& text);
  /// Logs an event that a peer can cause as often as it likes.
  void event(const std::string& text, Instant now);
  /// Logs what a peer did wrong.
  void fault(Fault kind, const std::string& text, Instant now);
  /// Logs a fault of kind Order that happens now.
  void peer_fault(const std::string& text);

  std::uint64_t faults() const;  // of all kinds
  std::uint64_t faults(Fault kind) const { return faults_[static_cast<std::size_t>(kind)].count(); }
  /// Returns one line for people per kind of fault that has occurred, and logs them. For the sweep's end.
  std::vector<std::string> totals();

 private:
  void write(LineLimiter& limiter, const std::string& text, bool warns, Instant now);

  std::string problem_;
  std::shared_ptr<spdlog::logger> logger_;
  std::array<LineLimiter, kFaults> faults_;
  LineLimiter events_;
};

}  // namespace sweep
