// One loop for sockets, pipes, processes and signals: everything that can happen is a descriptor or a
// ZeroMQ socket that becomes readable, or a deadline that passes. Nothing sleeps, nothing polls.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <vector>
#include <zmq.hpp>

#include "util/time.hpp"

namespace sweep {

class EventLoop {
 public:
  using Handler = std::function<void()>;

  /// Calls `handler` whenever `fd` is readable, at its end, or in error. One handler a descriptor.
  void watch(int fd, Handler handler);
  /// The same for when it can be written to, beside the handler for reading.
  void watch_writing(int fd, Handler handler);
  /// Both. Safe inside a handler, for any descriptor; must be called before the descriptor is closed.
  void unwatch(int fd);
  /// The same for a ZeroMQ socket, which must outlive the loop.
  void watch(zmq::socket_ref socket, Handler handler);

  /// Waits until something is ready or `deadline` has passed, and calls the handlers of what is ready.
  void step(std::optional<Instant> deadline);

 private:
  std::map<int, Handler> fds_, writers_;
  std::vector<std::pair<zmq::socket_ref, Handler>> sockets_;
};

}  // namespace sweep
