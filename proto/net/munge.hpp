// Munge: what the machines of a cluster use to tell each other which user a process belongs to. An agent
// shows a credential that munged made for it; the controller has munged say whose it is.
//
// Rules:
// - libmunge is loaded when it is needed (dlopen) and not linked: the same programs run on machines and in
//   containers that have no munge, where the sweep's key alone decides.
// - Slurm's munged is asked, the one that slurm.conf names in AuthInfo, else the one at libmunge's own path:
//   what Slurm takes for a user of this cluster, we do.
// - Nothing here waits longer than kMungePatience. libmunge itself would: with a munged that hangs (stopped,
//   swapped out) it waits 2 s for an answer, 5 times (0.5.15; seen with SIGSTOP: 10.1 s), and cannot be told
//   to give up earlier; where the socket of a munged that was killed is left it tries for 2.3 s. It is
//   therefore called on a thread of its own, and while a call hangs there the next ones fail at once. Where
//   there is no socket, or munged's queue is full, libmunge fails at once by itself.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "proto/wire/messages.hpp"
#include "util/error.hpp"
#include "util/time.hpp"

namespace sweep {

inline constexpr Millis kMungePatience{1'000};

/// Whose process made a credential, and over what.
struct MungeIdentity {
  uid_t uid = 0;
  gid_t gid = 0;
  std::string payload;
};

/// Why there is no identity. One line, without a remedy: who asked knows which side to look at.
struct MungeFault {
  enum class Kind {
    Unreachable,  // munged here does not answer, or there is none: says nothing about the credential
    OtherTime,    // too old, or from the future
    Replayed,     // was shown before
    OtherUser,    // made for another user's eyes alone
    Invalid,      // no credential, or of another munge key
  };
  Kind kind = Kind::Invalid;
  std::string message;
};

/// This process's user as munged sees it: also from within a user namespace (a container).
uid_t munge_uid();
/// The same from the text of /proc/self/uid_map; `uid` where that does not say.
uid_t outer_uid(std::string_view uid_map, uid_t uid);

/// A credential over `payload` that shows this process's user. Only processes of this user can have it
/// checked, once, and for two minutes (clocks of the two machines may differ by as much). Fails with the
/// reason, also where there is no munge.
Expected<std::string> munge_credential(std::string_view payload);

/// Has the munged of this machine check a credential. A credential can be checked once: after that it is
/// Replayed.
tl::expected<MungeIdentity, MungeFault> munge_check(const std::string& credential);

/// What the credential of a Hello is over: a digest of this sweep's server key and of who the agent says it
/// is, so that a credential of another sweep, agent or process is of no use here.
std::string hello_payload(const std::string& server_public_key, const wire::Hello& hello);

/// The same of a person's request (what: "status", "stop"), so that a credential of a Hello, or of the one,
/// is of no use for the other.
std::string request_payload(const std::string& server_public_key, std::string_view what);

/// Where this machine has what an agent needs to show a credential: the socket of Slurm's munged, empty for
/// libmunge's own; and the slurm.conf that says so, empty where there is none.
struct MungePlace {
  std::string socket, slurm_conf;
};
MungePlace munge_place();

/// The socket of Slurm's munged as slurm.conf's text names it; nothing where it names none.
std::optional<std::string> munge_socket_of(std::string_view slurm_conf);

}  // namespace sweep
