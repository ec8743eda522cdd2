#include "proto/net/socket_news.hpp"

#include <atomic>
#include <cstring>
#include <string>
#include <vector>
#include <zmq_addon.hpp>

namespace sweep {

SocketNews::SocketNews(zmq::context_t& context, zmq::socket_ref watched, int kinds)
    : socket_(context, zmq::socket_type::pair) {
  static std::atomic<unsigned> count{0};
  const std::string address = "inproc://news-" + std::to_string(count++);
  if (::zmq_socket_monitor(watched.handle(), address.c_str(), kinds) != 0) throw zmq::error_t();
  // No bound: ZeroMQ's own thread would wait for a reader that does not keep up.
  socket_.set(zmq::sockopt::rcvhwm, 0);
  socket_.set(zmq::sockopt::linger, 0);
  socket_.connect(address);
}

std::optional<SocketNews::Item> SocketNews::next() {
  std::vector<zmq::message_t> frames;
  if (!zmq::recv_multipart(socket_, std::back_inserter(frames), zmq::recv_flags::dontwait))
    return std::nullopt;
  // Frame 1: 16 bits of kind, 32 bits of value, in this machine's order. Frame 2: the endpoint.
  Item item;
  if (frames[0].size() >= sizeof item.kind + sizeof item.value) {
    std::memcpy(&item.kind, frames[0].data(), sizeof item.kind);
    std::memcpy(&item.value, frames[0].data<char>() + sizeof item.kind, sizeof item.value);
  }
  return item;
}

}  // namespace sweep
