#include "controller/io/admission.hpp"

#include <utility>

#include "proto/net/munge.hpp"
#include "util/text.hpp"

namespace sweep {

namespace {

constexpr std::size_t kMostName = 256;
constexpr const char* kOrKey = ", or set 'auth: key' in the profile (agents then need only the sweep's key)";

std::string shown(const std::string& text) {
  return clipped(printable(text), kMostName);
}

/// Makes a munge credential and has it checked. Fails with the reason if munge does not work here.
Expected<void> try_munge() {
  const std::string payload = "slurm-sweep: does munge work here?";
  SWEEP_ASSIGN(const auto credential, munge_credential(payload));
  const auto identity = munge_check(credential);
  if (!identity) return fail(identity.error().message);
  if (identity->uid != munge_uid() || identity->payload != payload) {
    return fail("munged identifies this process as uid " + std::to_string(identity->uid));
  }
  return {};
}

Admission::Verdict refused(std::string reason) {
  return {Admission::Answer::Refused, std::move(reason)};
}

}  // namespace

/// The sender's claimed identity, and its credential.
struct Admission::Claim {
  std::string who, where;  // for messages
  const std::string &credential, &no_credential;
  std::string payload;  // what the credential must have been made for
};

namespace {

Admission::Verdict verdict_on(const MungeFault& fault, const std::string& who, const std::string& node,
                              uid_t owner) {
  switch (fault.kind) {
    case MungeFault::Kind::Unreachable:
      return {
          Admission::Answer::Later,
          who + " has to wait: munge on the controller's machine does not answer (" + fault.message + ")"};
    case MungeFault::Kind::OtherTime:
      return refused(who + " sent a munge credential that is expired or from the future (" + fault.message +
                     "): synchronize the clocks of " + node + " and of the controller's machine" + kOrKey);
    case MungeFault::Kind::Replayed:
      return refused(who + " sent a munge credential that was already used (" + fault.message +
                     "): each Hello and each request needs a new one");
    case MungeFault::Kind::OtherUser:
      return refused(who + " sent a munge credential of another user than uid " + std::to_string(owner) +
                     ", the owner of this sweep (" + fault.message + ")");
    case MungeFault::Kind::Invalid:
      break;
  }
  return refused(who + " sent an invalid munge credential (" + fault.message + "): install on " + node +
                 " the munge key of the controller's machine" + kOrKey);
}

}  // namespace

Expected<Admission> Admission::open(profile::Profile::Auth auth, const std::string& server_public_key) {
  using Auth = profile::Profile::Auth;
  const uid_t owner = munge_uid();
  Admission out(By::Key, server_public_key, owner);
  if (auth == Auth::Key) {
    out.note_ = "agents are admitted by the sweep's key only, as the profile requires";
    return out;
  }
  const auto works = try_munge();
  if (!works && auth == Auth::Munge) {
    return fail("the profile requires 'auth: munge', but munge does not work here (" + works.error().message +
                "): start munged on this machine" + kOrKey);
  }
  if (!works) {
    out.note_ = "agents are admitted by the sweep's key only: munge does not work here (" +
                works.error().message + ")";
    return out;
  }
  out.by_ = By::Munge;
  out.note_ = "agents are admitted by the sweep's key and a munge credential of uid " + std::to_string(owner);
  return out;
}

Admission::Verdict Admission::admit(const wire::Hello& hello) const {
  return admit(Claim{"agent " + shown(hello.agent) + " on " + shown(hello.node), shown(hello.node),
                     hello.credential, hello.no_credential, hello_payload(server_public_key_, hello)});
}

Admission::Verdict Admission::admit(const wire::StatusRequest& request) const {
  return admit(Claim{"the sender of the status request", "its machine", request.credential,
                     request.no_credential, request_payload(server_public_key_, "status")});
}

Admission::Verdict Admission::admit(const wire::StopRequest& request) const {
  return admit(Claim{"the sender of the stop request", "its machine", request.credential,
                     request.no_credential, request_payload(server_public_key_, "stop")});
}

Admission::Verdict Admission::admit(const Claim& claim) const {
  if (by_ == By::Key) return {Answer::Admitted, {}};
  if (claim.credential.empty()) {
    const std::string why = claim.no_credential.empty() ? "no reason given" : shown(claim.no_credential);
    return refused(claim.who + " sent no munge credential (" + why + "): start munged on " + claim.where +
                   kOrKey);
  }
  const auto identity = munge_check(claim.credential);
  if (!identity) return verdict_on(identity.error(), claim.who, claim.where, owner_);
  if (identity->uid != owner_) {
    return refused(claim.who + " runs as uid " + std::to_string(identity->uid) +
                   ", but this sweep belongs to uid " + std::to_string(owner_));
  }
  if (identity->payload != claim.payload)
    return refused(claim.who + " sent a munge credential that was made for another sweep, agent or process");
  return {Answer::Admitted, {}};
}

void WaitingHellos::add(Waiting waiting, Instant now) {
  if (waiting_.empty()) due_ = now + kPause;
  if (waiting_.size() >= kMost && !waiting_.contains(waiting.peer)) return;
  const std::string peer = waiting.peer;
  waiting_.insert_or_assign(peer, std::move(waiting));
}

std::optional<Instant> WaitingHellos::due() const {
  return waiting_.empty() ? std::nullopt : std::optional(due_);
}

std::vector<WaitingHellos::Waiting> WaitingHellos::take(Instant now) {
  std::vector<Waiting> out;
  if (waiting_.empty() || now < due_) return out;
  for (auto& [peer, waiting] : std::exchange(waiting_, {}))
    out.push_back(std::move(waiting));
  return out;
}

}  // namespace sweep
