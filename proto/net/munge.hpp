// Munge: a service with which the machines of a cluster prove which user a process belongs to. An agent sends
// a credential that its munged has created; the controller asks its munged which user the credential belongs
// to.
//
// Rules:
// - libmunge is loaded with dlopen when it is needed, not linked, because the same programs run on machines
//   and in
//   containers without munge. There only the sweep's key authenticates agents.
// - The munged of Slurm is used: the one that slurm.conf names in AuthInfo, else the one at libmunge's
//   default path. So
//   users are the same for Slurm and for us.
// - No function waits longer than kMungePatience. libmunge itself would: if munged hangs (stopped, swapped
//   out), it waits
//   2 s for an answer, 5 times (0.5.15; measured with SIGSTOP: 10.1 s), and has no option to give up earlier.
//   If munged was killed and its socket is left, libmunge tries for 2.3 s. Therefore libmunge is called on a
//   separate thread; while a call hangs there, further calls fail at once. If there is no socket, or munged's
//   queue is full, libmunge itself fails at once.
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

/// The user whose process created a credential, and the payload.
struct MungeIdentity {
  uid_t uid = 0;
  gid_t gid = 0;
  std::string payload;
};

/// Why a credential has no identity. `message` is one line without a remedy, because the caller knows which
/// side is wrong.
struct MungeFault {
  enum class Kind {
    Unreachable,  // munged on this machine does not answer or does not exist; the credential may be valid
    OtherTime,    // expired, or from the future
    Replayed,     // was checked before
    OtherUser,    // created for another user
    Invalid,      // not a credential, or created with another munge key
  };
  Kind kind = Kind::Invalid;
  std::string message;
};

/// Returns this process's user as munged sees it, also inside a user namespace (a container).
uid_t munge_uid();
/// Returns the id outside the user namespace for `uid`, according to the text of /proc/self/uid_map; `uid` if
/// the text has no entry for it.
uid_t outer_uid(std::string_view uid_map, uid_t uid);

/// Returns a credential with `payload` that proves this process's user. Only processes of the same user can
/// check it, only once, and for two minutes, by which the two machines' clocks may differ. Returns an error
/// with the reason if munge fails or is not installed.
Expected<std::string> munge_credential(std::string_view payload);

/// Checks a credential with this machine's munged. A credential can be checked once; the second time it is
/// Replayed.
tl::expected<MungeIdentity, MungeFault> munge_check(const std::string& credential);

/// Returns the payload of a Hello's credential: a digest of this sweep's server key and the agent's claimed
/// identity, so that a credential of another sweep, agent or process is not accepted.
std::string hello_payload(const std::string& server_public_key, const wire::Hello& hello);

/// Returns the payload of a command's credential (`what`: "status" or "stop"), so that a credential for a
/// Hello or for another request is not accepted.
std::string request_payload(const std::string& server_public_key, std::string_view what);

/// The socket of Slurm's munged (empty: libmunge's default) and the slurm.conf that names it (empty: there is
/// none).
struct MungePlace {
  std::string socket, slurm_conf;
};
MungePlace munge_place();

/// Returns the socket of munged that the text of slurm.conf names; std::nullopt if it names none.
std::optional<std::string> munge_socket_of(std::string_view slurm_conf);

}  // namespace sweep
