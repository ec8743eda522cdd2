// What ZeroMQ tells of the connections of a socket (zmq_socket_monitor), one by one. For the two that make
// sense of it: ConnectionMonitor on a client's side, HandshakeWatch on the server's.
#pragma once

#include <cstdint>
#include <optional>
#include <zmq.hpp>

namespace sweep {

class SocketNews {
 public:
  /// `kinds`: of ZMQ_EVENT_*, or'ed. `watched` must not have been connected or bound yet.
  SocketNews(zmq::context_t& context, zmq::socket_ref watched, int kinds);

  /// Readable when there is news.
  zmq::socket_ref socket() { return socket_; }

  struct Item {
    std::uint16_t kind = 0;   // ZMQ_EVENT_*
    std::uint32_t value = 0;  // what it is depends on the kind
  };
  /// Nothing when there is none now. Never blocks.
  std::optional<Item> next();

 private:
  zmq::socket_t socket_;
};

}  // namespace sweep
