#include "proto/net/event_loop.hpp"

#include <algorithm>
#include <cerrno>
#include <limits>

#include "util/os/clock.hpp"

namespace sweep {

namespace {

long wait_ms(std::optional<Instant> deadline) {
  if (!deadline) return -1;
  const auto left = (*deadline - now()).count();
  return static_cast<long>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<int>::max()));
}

}  // namespace

void EventLoop::watch(int fd, Handler handler) {
  fds_[fd] = std::move(handler);
}

void EventLoop::watch_writing(int fd, Handler handler) {
  writers_[fd] = std::move(handler);
}

void EventLoop::unwatch(int fd) {
  fds_.erase(fd);
  writers_.erase(fd);
}

void EventLoop::watch(zmq::socket_ref socket, Handler handler) {
  sockets_.emplace_back(socket, std::move(handler));
}

void EventLoop::step(std::optional<Instant> deadline) {
  std::vector<zmq_pollitem_t> items;
  items.reserve(sockets_.size() + fds_.size() + writers_.size());
  for (auto& [socket, handler] : sockets_)
    items.push_back({socket.handle(), 0, ZMQ_POLLIN, 0});
  for (const auto& [fd, handler] : fds_)
    items.push_back({nullptr, fd, ZMQ_POLLIN | ZMQ_POLLERR, 0});
  const std::size_t readers_end = items.size();
  for (const auto& [fd, handler] : writers_)
    items.push_back({nullptr, fd, ZMQ_POLLOUT | ZMQ_POLLERR, 0});
  pauses_.before_wait(now(), deadline);
  const int ready = ::zmq_poll(items.data(), static_cast<int>(items.size()), wait_ms(deadline));
  if (ready < 0 && zmq_errno() != EINTR) throw zmq::error_t();
  const Millis pause = pauses_.after_wait(now());
  if (pause > Millis(0) && on_pause_) on_pause_(pause);
  if (ready <= 0) return;
  for (std::size_t i = 0; i < sockets_.size(); ++i) {
    if (items[i].revents != 0) sockets_[i].second();
  }
  for (std::size_t i = sockets_.size(); i < items.size(); ++i) {
    if (items[i].revents == 0) continue;
    // An earlier handler may have removed this one.
    const auto& handlers = i < readers_end ? fds_ : writers_;
    if (const auto found = handlers.find(items[i].fd); found != handlers.end()) {
      const Handler handler = found->second;  // a copy: the handler may unwatch itself
      handler();
    }
  }
}

}  // namespace sweep
