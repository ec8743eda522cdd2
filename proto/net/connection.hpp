// News of a client's connection: ZeroMQ makes it, and again when it is cut, by itself; this tells when.
#pragma once

#include <optional>
#include <zmq.hpp>

#include "proto/net/socket_news.hpp"

namespace sweep {

enum class ConnectionEvent {
  Up,       // it is there, and each side has shown its key
  Down,     // it was cut, or never got to be Up
  Refused,  // the other side does not take this client's key
};

class ConnectionMonitor {
 public:
  /// Watches `watched`, which must not have been connected yet.
  ConnectionMonitor(zmq::context_t& context, zmq::socket_t& watched);

  /// Readable when there is news.
  zmq::socket_ref socket() { return news_.socket(); }
  /// The next event; nothing when there is none now. Never blocks.
  std::optional<ConnectionEvent> next();

 private:
  SocketNews news_;
};

}  // namespace sweep
