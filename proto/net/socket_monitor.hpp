// The events that ZeroMQ reports about the connections of a socket (zmq_socket_monitor). Used by
// ConnectionMonitor on a client's side and by HandshakeWatch on the server's.
#pragma once

#include <cstdint>
#include <optional>
#include <zmq.hpp>

namespace sweep {

class SocketMonitor {
 public:
  /// `kinds`: ZMQ_EVENT_* values, or'ed. `watched` must not be connected or bound yet.
  SocketMonitor(zmq::context_t& context, zmq::socket_ref watched, int kinds);

  /// Returns a socket that is readable when there is an event.
  zmq::socket_ref socket() { return socket_; }

  struct Event {
    std::uint16_t kind = 0;   // ZMQ_EVENT_*
    std::uint32_t value = 0;  // its meaning depends on the kind
  };
  /// Returns the next event; std::nullopt if there is none now. Never blocks.
  std::optional<Event> next();

 private:
  zmq::socket_t socket_;
};

}  // namespace sweep
