#include "controller/io/farewell.hpp"

namespace sweep {

Expected<std::unique_ptr<Farewell>> Farewell::open(EventLoop& loop, Fd listening, const KeyPair& server_keys,
                                                   const std::string& client_public_key, std::string reason) {
  std::unique_ptr<Farewell> farewell(new Farewell(client_public_key, std::move(reason)));
  SWEEP_ASSIGN(auto socket, ServerSocket::listen(farewell->context_, std::move(listening), server_keys));
  farewell->socket_.emplace(std::move(socket));
  Farewell* const self = farewell.get();
  loop.watch(self->authenticator_.socket(), [self] { self->authenticator_.answer(); });
  loop.watch(self->socket_->socket(), [self] { self->answer(); });
  return farewell;
}

void Farewell::answer() {
  while (const auto incoming = socket_->receive()) {
    if (incoming->content && std::holds_alternative<wire::Goodbye>(incoming->content->message)) continue;
    socket_->send(incoming->peer, wire::Reject{reason_});
  }
}

}  // namespace sweep
