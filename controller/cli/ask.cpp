#include "controller/cli/ask.hpp"

#include <cerrno>
#include <csignal>

#include "proto/net/event_loop.hpp"
#include "proto/net/munge.hpp"
#include "proto/net/sockets.hpp"
#include "util/os/clock.hpp"
#include "util/os/files.hpp"
#include "util/text.hpp"

namespace sweep::cli {

namespace {

constexpr Millis kPatience{5'000};  // for a controller's answer

/// Whether the controller can be seen to be gone: a process of this machine that is no more.
bool is_gone(const ControlFile& control) {
  return control.host == host_name() && ::kill(static_cast<pid_t>(control.pid), 0) != 0 && errno == ESRCH;
}

}  // namespace

Expected<std::optional<ControlFile>> find_controller(const std::string& directory) {
  auto control = read_control_file(directory);
  if (control && *control && is_gone(**control)) return std::optional<ControlFile>();
  return control;
}

namespace {

/// A credential that is good for this request alone, or why there is none.
template <class Request>
Request shown(Request request, const ControlFile& control, std::string_view what) {
  auto credential = munge_credential(request_payload(control.server_key, what));
  if (credential) {
    request.credential = std::move(*credential);
  } else {
    request.no_credential = credential.error().message;
  }
  return request;
}

Expected<std::optional<Status>> ask(const ControlFile& control, const wire::Message& question) {
  zmq::context_t context;
  SWEEP_ASSIGN(auto socket,
               ClientSocket::connect(context, control.endpoint, control.server_key, control.client_secret));
  std::optional<Status> answer;
  std::string refusal;
  EventLoop loop;
  loop.watch(socket.connection().socket(), [&] {
    while (const auto event = socket.connection().next()) {
      if (*event == ConnectionEvent::Refused) refusal = "this key is of another sweep";
    }
  });
  loop.watch(socket.socket(), [&] {
    while (const auto incoming = socket.receive()) {
      if (!incoming->content) {
        refusal = incoming->content.error().message;
      } else if (const auto* reply = std::get_if<wire::StatusReply>(&incoming->content->message)) {
        answer = Status(reply->status);
      } else if (const auto* reject = std::get_if<wire::Reject>(&incoming->content->message)) {
        refusal = reject->reason;
      }
    }
  });
  socket.send(question);
  const Instant deadline = now() + kPatience;
  while (!answer && refusal.empty() && now() < deadline)
    loop.step(deadline);
  if (!answer) socket.socket().set(zmq::sockopt::linger, 0);  // nobody takes it, or it was refused
  if (!refusal.empty()) return fail("the controller answers: " + printable(refusal));
  return answer;
}

}  // namespace

Expected<std::optional<Status>> ask_controller(const ControlFile& control, wire::StatusRequest question) {
  return ask(control, shown(std::move(question), control, "status"));
}

Expected<std::optional<Status>> ask_controller(const ControlFile& control, wire::StopRequest question) {
  return ask(control, shown(std::move(question), control, "stop"));
}

std::string name_of(const ControlFile& control) {
  return control.host + ", pid " + std::to_string(control.pid);
}

}  // namespace sweep::cli
