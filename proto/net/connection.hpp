// Reports when a client's connection is established or cut. ZeroMQ connects and reconnects by itself.
#pragma once

#include <optional>
#include <zmq.hpp>

#include "proto/net/socket_monitor.hpp"

namespace sweep {

enum class ConnectionEvent {
  Up,       // established; both sides have proved their keys
  Down,     // cut, or never established
  Refused,  // the server does not accept this client's key
};

class ConnectionMonitor {
 public:
  /// Watches `watched`, which must not have been connected yet.
  ConnectionMonitor(zmq::context_t& context, zmq::socket_t& watched);

  /// Returns a socket that is readable when there may be an event.
  zmq::socket_ref socket() { return monitor_.socket(); }
  /// Returns the next event; std::nullopt if there is none now. Never blocks.
  std::optional<ConnectionEvent> next();

 private:
  SocketMonitor monitor_;
};

}  // namespace sweep
