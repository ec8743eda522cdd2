// logs/controller.log: what the controller saw that people need only when something is wrong.
//
// Rules: never a secret; what a peer sent is made printable and cut; whatever peers do, they cannot fill the
// disk: lines that they cause have an allowance per kind, and what goes beyond it is counted.
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

/// How many lines there may be: so many at once, then one per `each`. Pure.
class Allowance {
 public:
  Allowance(int at_once, Millis each) : at_once_(at_once), each_(each) {}
  /// Whether there may be one now; takes it if so.
  bool take(Instant now);
  void slow_down(Millis each) { each_ = each; }

 private:
  int at_once_;
  Millis each_;
  Instant used_until_{};  // so far ahead of now have lines been taken
};

/// What peers do wrong. Each kind is counted, and has an allowance, by itself: a flood of one hides no other.
enum class Fault {
  Key,        // connected with another key
  Handshake,  // connected without one, or does not speak ZeroMQ
  Admission,  // has the key, and is refused all the same (admission.hpp)
  Frame,      // sent what is no message: frames, lengths, types, fields
  Version,    // speaks another version of the protocol
  Order,      // sent a message that makes no sense where it comes
};
inline constexpr std::size_t kFaults = 6;

Fault fault_of(wire::DecodeFault fault);

/// The lines of one kind: which of them to write, and how many others there were. Pure.
class Limited {
 public:
  /// `most`: after so many lines there is only one a minute.
  Limited(int at_once, Millis each, std::uint64_t most) : allowance_(at_once, each), most_(most) {}

  struct Verdict {
    bool write = false;
    std::uint64_t left_out = 0;  // not written since the last one that was
  };
  Verdict on_one(Instant now);
  std::uint64_t count() const { return count_; }
  std::uint64_t left_out() const { return left_out_; }

 private:
  Allowance allowance_;
  std::uint64_t most_, count_ = 0, written_ = 0, left_out_ = 0;
};

class Log {
 public:
  /// Where the file cannot be made nothing is logged.
  explicit Log(const std::string& path);

  void info(const std::string& text);
  /// What a peer made happen, and may make happen as often as it likes.
  void news(const std::string& text, Instant now);
  /// What a peer did wrong.
  void fault(Fault kind, const std::string& text, Instant now);
  /// The same, of kind Order, now.
  void peer_fault(const std::string& text);

  std::uint64_t faults() const;  // of all kinds
  std::uint64_t faults(Fault kind) const { return faults_[static_cast<std::size_t>(kind)].count(); }
  /// One line for people per kind of which there were any; writes them into the log too. At the sweep's end.
  std::vector<std::string> totals();

 private:
  void write(Limited& lines, const std::string& text, bool warns, Instant now);

  std::shared_ptr<spdlog::logger> logger_;
  std::array<Limited, kFaults> faults_;
  Limited news_;
};

}  // namespace sweep
