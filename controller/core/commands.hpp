// Commands: everything that can come to a sweep from outside. Hello, Ready, Heartbeat and Goodbye are the
// messages of that name (PROTOCOL.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "controller/core/state.hpp"

namespace sweep::core {

struct Hello {
  AgentInfo agent;
};
struct Ready {
  std::string agent;
  std::optional<Instant> job_ends = {};                 // if the agent knows it
  std::optional<std::vector<std::string>> serves = {};  // runners; nullopt: all
  Hardware hardware = {};
};
struct AttemptStarted {
  std::string agent;
  AttemptRef ref;
  std::int64_t pid = 0;
  std::string directory = {};
};
/// The attempt has ended with a result, and its files are being fetched from the agent that ran it. It ends with
/// AttemptFinished.
struct FilesAwaited {
  std::string agent;
  AttemptRef ref;
};
/// The driver has already checked the result file of an ok outcome, and has changed the outcome to
/// invalid-result if it is not usable.
struct AttemptFinished {
  std::string agent;
  AttemptRef ref;
  Outcome outcome;
  Millis wall{0};
  std::string of = {};  // the agent that ran the attempt, if the sender found its end in a spool; else empty
  Account account = {};
  std::vector<std::string> invalid = {};  // why an ok result is not valid
};
/// The controller has read the journal of a controller that died, and listens at the same address.
struct Recover {
  std::string version;
};
/// The controller did not run for this time, because it or its whole job was suspended.
struct Pause {
  Millis length{0};
};
/// The controller has read the journal of a sweep that has ended or was abandoned, and is to continue it.
struct Resume {
  std::string version, job;
  bool retry_failed = false;
  std::vector<std::string> withdrawn;
};
/// Answered with the messages that the agent may have missed.
struct Heartbeat {
  std::string agent;
};
struct Goodbye {
  std::string agent;
  std::string reason;
};
struct Stop {
  std::string reason;
  Millis patience{0};  // how long to wait for the agents
};
/// Time has passed, or something has changed: lease points, apply timeouts, close the sweep.
struct Tick {};

using Command = std::variant<Hello, Ready, AttemptStarted, AttemptFinished, Heartbeat, Goodbye, Stop, Tick,
                             Recover, Resume, Pause, FilesAwaited>;

}  // namespace sweep::core
