#include "proto/net/socket_monitor.hpp"

#include <atomic>
#include <cstring>
#include <string>
#include <vector>
#include <zmq_addon.hpp>

namespace sweep {

SocketMonitor::SocketMonitor(zmq::context_t& context, zmq::socket_ref watched, int kinds)
    : socket_(context, zmq::socket_type::pair) {
  static std::atomic<unsigned> count{0};
  const std::string address = "inproc://monitor-" + std::to_string(count++);
  if (::zmq_socket_monitor(watched.handle(), address.c_str(), kinds) != 0) throw zmq::error_t();
  // No limit: otherwise ZeroMQ's I/O thread would block if events are not read fast enough.
  socket_.set(zmq::sockopt::rcvhwm, 0);
  socket_.set(zmq::sockopt::linger, 0);
  socket_.connect(address);
}

std::optional<SocketMonitor::Event> SocketMonitor::next() {
  std::vector<zmq::message_t> frames;
  if (!zmq::recv_multipart(socket_, std::back_inserter(frames), zmq::recv_flags::dontwait))
    return std::nullopt;
  // Frame 1 has the kind in 16 bits and the value in 32 bits, in this machine's byte order. Frame 2 has the
  // endpoint.
  Event event;
  if (frames[0].size() >= sizeof event.kind + sizeof event.value) {
    std::memcpy(&event.kind, frames[0].data(), sizeof event.kind);
    std::memcpy(&event.value, frames[0].data<char>() + sizeof event.kind, sizeof event.value);
  }
  return event;
}

}  // namespace sweep
