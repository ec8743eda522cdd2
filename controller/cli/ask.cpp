#include "controller/cli/ask.hpp"

#include <cerrno>
#include <csignal>

#include "proto/net/event_loop.hpp"
#include "proto/net/munge.hpp"
#include "proto/net/sockets.hpp"
#include "util/json.hpp"
#include "util/os/clock.hpp"
#include "util/os/files.hpp"
#include "util/text.hpp"

namespace sweep::cli {

namespace {

constexpr Millis kAnswerTimeout{5'000};

/// Returns true if the controller was a process of this machine that has ended.
bool has_ended(const ControlFile& control) {
  return control.host == host_name() && ::kill(static_cast<pid_t>(control.pid), 0) != 0 && errno == ESRCH;
}

}  // namespace

Expected<std::optional<ControlFile>> find_controller(const std::string& directory) {
  auto control = read_control_file(directory);
  if (control && *control && has_ended(**control)) return std::optional<ControlFile>();
  return control;
}

namespace {

/// Adds a credential that is valid for this request only, or the reason why there is none.
template <class Request>
Request with_credential(Request request, const ControlFile& control, std::string_view what) {
  auto credential = munge_credential(request_payload(control.server_key, what));
  if (credential) {
    request.credential = std::move(*credential);
  } else {
    request.no_credential = credential.error().message;
  }
  return request;
}

Expected<std::optional<Status>> ask(const ControlFile& control, const wire::Message& request) {
  zmq::context_t context;
  SWEEP_ASSIGN(auto socket,
               ClientSocket::connect(context, control.endpoint, control.server_key, control.client_secret));
  std::optional<Status> answer;
  std::string refusal;
  EventLoop loop;
  loop.watch(socket.connection().socket(), [&] {
    while (const auto event = socket.connection().next()) {
      if (*event == ConnectionEvent::Refused) refusal = "the key in sweep.control is not this sweep's key";
    }
  });
  loop.watch(socket.socket(), [&] {
    while (const auto incoming = socket.receive()) {
      if (!incoming->content) {
        refusal = incoming->content.error().message;
      } else if (const auto* reply = std::get_if<wire::StatusReply>(&incoming->content->message)) {
        answer = Status(*reply->status);
      } else if (const auto* reject = std::get_if<wire::Reject>(&incoming->content->message)) {
        refusal = reject->reason;
      }
    }
  });
  socket.send(request);
  const Instant deadline = now() + kAnswerTimeout;
  while (!answer && refusal.empty() && now() < deadline)
    loop.step(deadline);
  if (!answer)
    socket.socket().set(zmq::sockopt::linger, 0);  // the request cannot be delivered, or was refused
  if (!refusal.empty()) return fail("the controller refused the request: " + printable(refusal));
  return answer;
}

}  // namespace

Expected<std::optional<Status>> ask_controller(const ControlFile& control, wire::StatusRequest request) {
  return ask(control, with_credential(std::move(request), control, "status"));
}

Expected<std::optional<Status>> ask_controller(const ControlFile& control, wire::StopRequest request) {
  return ask(control, with_credential(std::move(request), control, "stop"));
}

}  // namespace sweep::cli
