#include "proto/net/connection.hpp"

#include <cstdint>

namespace sweep {

namespace {

// The status of RFC 27 with which KeyAuthenticator refuses a key.
constexpr std::uint32_t kRefused = 400;

std::optional<ConnectionEvent> event_of(std::uint16_t kind, std::uint32_t value) {
  switch (kind) {
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
      return ConnectionEvent::Up;
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
      return value == kRefused ? ConnectionEvent::Refused : ConnectionEvent::Down;
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
    case ZMQ_EVENT_DISCONNECTED:
      return ConnectionEvent::Down;
    default:
      return std::nullopt;
  }
}

}  // namespace

ConnectionMonitor::ConnectionMonitor(zmq::context_t& context, zmq::socket_t& watched)
    : monitor_(context, watched,
               ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
                   ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                   ZMQ_EVENT_DISCONNECTED) {}

std::optional<ConnectionEvent> ConnectionMonitor::next() {
  while (const auto item = monitor_.next()) {
    if (const auto event = event_of(item->kind, item->value)) return event;
  }
  return std::nullopt;
}

}  // namespace sweep
