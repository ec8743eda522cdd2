// Who may take part, and ask: those that show the sweep's key (without it nobody gets a message through), and
// where munge works also that they run as the sweep's owner.
//
// Rules:
// - Where munge is asked for, no agent gets in without it. `auth: auto` asks for it when it works where the
//   controller runs; an agent that has no munge is then refused, with the remedy, and not let in on its key.
// - A credential is for one Hello, or one request: an agent that comes back shows a new one.
// - That munge on the controller's own machine does not answer is no agent's fault: such an agent is asked to
//   wait, neither refused nor let in.
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
    std::string reason;  // for people, where it is not Admitted
  };

  /// Finds out whether munge works here where `auth` leaves that open; this process's user is the owner.
  /// Fails, with the remedy, where munge is asked for and does not work. Waits a second for a munged that
  /// hangs.
  static Expected<Admission> open(profile::Profile::Auth auth, const std::string& server_public_key);
  /// As an earlier controller of this sweep has found: nothing is tried.
  Admission(By by, std::string server_public_key, uid_t owner)
      : by_(by),
        server_public_key_(std::move(server_public_key)),
        note_(by == By::Munge ? "agents are admitted by the sweep's key and munge, as before"
                              : "agents are admitted by the sweep's key alone, as before"),
        owner_(owner) {}

  By by() const { return by_; }
  /// One line for the log: who is admitted, and why not by munge.
  const std::string& note() const { return note_; }

  Verdict admit(const wire::Hello& hello) const;
  /// The same of somebody who asks how the sweep stands, or for its end.
  Verdict admit(const wire::StatusRequest& request) const;
  Verdict admit(const wire::StopRequest& request) const;

 private:
  struct Claim;
  Verdict admit(const Claim& claim) const;
  By by_;
  std::string server_public_key_, note_;
  uid_t owner_;
};

/// Hellos that are to be looked at again because munge here did not answer. Pure. The latest of each peer,
/// and of kMost peers: one beyond is forgotten, and its agent gives up by its own deadline.
class WaitingHellos {
 public:
  static constexpr std::size_t kMost = 20'000;
  static constexpr Millis kPause{2'000};
  struct Waiting {
    std::string peer, connection;
    wire::Hello hello;
  };
  void add(Waiting waiting, Instant now);
  /// The peer has said Hello anew.
  void forget(const std::string& peer) { waiting_.erase(peer); }
  /// When take() has something.
  std::optional<Instant> due() const;
  /// All of them, once that has come; else none.
  std::vector<Waiting> take(Instant now);

 private:
  std::map<std::string, Waiting> waiting_;
  Instant due_{};
};

}  // namespace sweep
