// Decides which agents are admitted and whose requests are answered: senders must have the sweep's key
// (without it no message arrives), and, if munge is used, a munge credential of the sweep's owner.
//
// Rules:
// - If munge is used, no agent is admitted without it. `auth: auto` uses munge if it works where the
//   controller runs; an agent without munge is then refused, with the remedy, even though it has the key.
// - A credential is valid for one Hello or one request: an agent that reconnects needs a new one.
// - If munge on the controller's own machine does not answer, that is not the agent's fault: its Hello is
//   kept and checked again, neither refused nor admitted.
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "controller/profile/profile.hpp"
#include "proto/wire/messages.hpp"
#include "util/error.hpp"
#include "util/time.hpp"

namespace sweep {

class Admission {
 public:
  enum class By { Key, Munge };
  enum class Answer { Admitted, Refused, Later };
  struct Verdict {
    Answer answer = Answer::Refused;
    std::string reason;  // for people; empty if Admitted
  };

  /// Chooses the rule. With `auth: auto` it tries whether munge works here. The owner is this process's user.
  /// Fails, with the remedy, if `auth` is munge and munge does not work. A munged that hangs delays it by one
  /// second.
  static Expected<Admission> open(profile::Profile::Auth auth, const std::string& server_public_key);
  /// Uses the rule that an earlier controller of this session chose. Nothing is tried.
  Admission(By by, std::string server_public_key, uid_t owner)
      : by_(by),
        server_public_key_(std::move(server_public_key)),
        note_(by == By::Munge ? "agents are admitted by the sweep's key and munge, as before the restart"
                              : "agents are admitted by the sweep's key only, as before the restart"),
        owner_(owner) {}

  By by() const { return by_; }
  /// One line for the log: which rule applies, and why.
  const std::string& note() const { return note_; }

  Verdict admit(const wire::Hello& hello) const;
  /// The same for requests of sweepctl status and sweepctl cancel.
  Verdict admit(const wire::StatusRequest& request) const;
  Verdict admit(const wire::StopRequest& request) const;

 private:
  struct Claim;
  Verdict admit(const Claim& claim) const;
  By by_;
  std::string server_public_key_, note_;
  uid_t owner_;
};

/// Hellos whose credentials are to be checked again because munge here did not answer. Keeps the latest of
/// each peer, for at most kMost peers: further ones are dropped, and their agents give up at their own
/// deadline. Pure.
class WaitingHellos {
 public:
  static constexpr std::size_t kMost = 20'000;
  static constexpr Millis kPause{2'000};
  struct Waiting {
    std::string peer, connection;
    wire::Hello hello;
  };
  void add(Waiting waiting, Instant now);
  /// Drops the Hello of a peer that has sent another one.
  void forget(const std::string& peer) { waiting_.erase(peer); }
  /// Returns when the Hellos are to be checked again; std::nullopt if there are none.
  std::optional<Instant> due() const;
  /// Removes and returns all of them if that time has come; otherwise none.
  std::vector<Waiting> take(Instant now);

 private:
  std::map<std::string, Waiting> waiting_;
  Instant due_{};
};

}  // namespace sweep
