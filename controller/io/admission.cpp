#include "controller/io/admission.hpp"

#include <utility>

#include "proto/net/munge.hpp"
#include "util/text.hpp"

namespace sweep {

namespace {

constexpr std::size_t kMostName = 256;
constexpr const char* kOrKey = ", or say 'auth: key' in the profile (then the sweep's key alone decides)";

std::string tidy(const std::string& text) {
  return clipped(printable(text), kMostName);
}

/// Whether munge here makes a credential for this process and takes it. Fails with why not.
Expected<void> try_munge() {
  const std::string payload = "slurm-sweep: does munge work here?";
  SWEEP_ASSIGN(const auto credential, munge_credential(payload));
  const auto identity = munge_check(credential);
  if (!identity) return fail(identity.error().message);
  if (identity->uid != munge_uid() || identity->payload != payload) {
    return fail("munged takes this process for one of uid " + std::to_string(identity->uid));
  }
  return {};
}

Admission::Verdict refused(std::string reason) {
  return {Admission::Answer::Refused, std::move(reason)};
}

}  // namespace

/// What somebody shows, and says to be.
struct Admission::Claim {
  std::string who, where;  // for people
  const std::string &credential, &no_credential;
  std::string payload;  // what the credential must be over
};

namespace {

Admission::Verdict verdict_on(const MungeFault& fault, const std::string& who, const std::string& node,
                              uid_t owner) {
  switch (fault.kind) {
    case MungeFault::Kind::Unreachable:
      return {Admission::Answer::Later,
              who + " waits: munge on the controller's machine does not answer (" + fault.message + ")"};
    case MungeFault::Kind::OtherTime:
      return refused(who + " shows a munge credential of another time (" + fault.message +
                     "): set the clocks of " + node + " and of the controller's machine" + kOrKey);
    case MungeFault::Kind::Replayed:
      return refused(who + " shows a munge credential that was shown before (" + fault.message +
                     "): each Hello and each request needs a new one");
    case MungeFault::Kind::OtherUser:
      return refused(who + " shows the munge credential of another user than uid " + std::to_string(owner) +
                     ", whose sweep this is (" + fault.message + ")");
    case MungeFault::Kind::Invalid:
      break;
  }
  return refused(who + " shows no good munge credential (" + fault.message + "): give " + node +
                 " the munge key of the controller's machine" + kOrKey);
}

}  // namespace

Expected<Admission> Admission::open(profile::Profile::Auth auth, const std::string& server_public_key) {
  using Auth = profile::Profile::Auth;
  const uid_t owner = munge_uid();
  Admission out(By::Key, server_public_key, owner);
  if (auth == Auth::Key) {
    out.note_ = "agents are admitted by the sweep's key alone, as the profile says";
    return out;
  }
  const auto works = try_munge();
  if (!works && auth == Auth::Munge) {
    return fail("the profile says 'auth: munge' and munge does not work here (" + works.error().message +
                "): start munged on this machine" + kOrKey);
  }
  if (!works) {
    out.note_ = "agents are admitted by the sweep's key alone: munge does not work here (" +
                works.error().message + ")";
    return out;
  }
  out.by_ = By::Munge;
  out.note_ = "agents are admitted by the sweep's key and a munge credential of uid " + std::to_string(owner);
  return out;
}

Admission::Verdict Admission::admit(const wire::Hello& hello) const {
  return admit(Claim{"agent " + tidy(hello.agent) + " on " + tidy(hello.node), tidy(hello.node),
                     hello.credential, hello.no_credential, hello_payload(server_public_key_, hello)});
}

Admission::Verdict Admission::admit(const wire::StatusRequest& request) const {
  return admit(Claim{"who asks for the status", "its machine", request.credential, request.no_credential,
                     request_payload(server_public_key_, "status")});
}

Admission::Verdict Admission::admit(const wire::StopRequest& request) const {
  return admit(Claim{"who asks for the end", "its machine", request.credential, request.no_credential,
                     request_payload(server_public_key_, "stop")});
}

Admission::Verdict Admission::admit(const Claim& claim) const {
  if (by_ == By::Key) return {Answer::Admitted, {}};
  if (claim.credential.empty()) {
    const std::string why = claim.no_credential.empty() ? "it does not say why" : tidy(claim.no_credential);
    return refused(claim.who + " shows no munge credential (" + why + "): start munge on " + claim.where +
                   kOrKey);
  }
  const auto identity = munge_check(claim.credential);
  if (!identity) return verdict_on(identity.error(), claim.who, claim.where, owner_);
  if (identity->uid != owner_) {
    return refused(claim.who + " runs as uid " + std::to_string(identity->uid) + "; this is a sweep of uid " +
                   std::to_string(owner_));
  }
  if (identity->payload != claim.payload)
    return refused(claim.who + " shows a munge credential of another sweep, agent or process");
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
