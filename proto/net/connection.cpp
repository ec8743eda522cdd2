#include "proto/net/connection.hpp"

#include <atomic>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>
#include <zmq_addon.hpp>

namespace sweep {

namespace {

// The status of RFC 27 with which our Doorman refuses a key.
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
    : news_(context, zmq::socket_type::pair) {
  static std::atomic<unsigned> count{0};
  const std::string address = "inproc://connection-" + std::to_string(count++);
  constexpr int kKinds = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
                         ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                         ZMQ_EVENT_DISCONNECTED;
  if (::zmq_socket_monitor(watched.handle(), address.c_str(), kKinds) != 0) throw zmq::error_t();
  // No bound: ZeroMQ's own thread would wait for a reader that does not keep up.
  news_.set(zmq::sockopt::rcvhwm, 0);
  news_.set(zmq::sockopt::linger, 0);
  news_.connect(address);
}

std::optional<ConnectionEvent> ConnectionMonitor::next() {
  std::vector<zmq::message_t> frames;
  while (zmq::recv_multipart(news_, std::back_inserter(frames), zmq::recv_flags::dontwait)) {
    // Frame 1: 16 bits of kind, 32 bits of value, in this machine's order. Frame 2: the endpoint.
    std::uint16_t kind = 0;
    std::uint32_t value = 0;
    if (frames[0].size() >= sizeof kind + sizeof value) {
      std::memcpy(&kind, frames[0].data(), sizeof kind);
      std::memcpy(&value, frames[0].data<char>() + sizeof kind, sizeof value);
    }
    frames.clear();
    if (const auto event = event_of(kind, value)) return event;
  }
  return std::nullopt;
}

}  // namespace sweep
