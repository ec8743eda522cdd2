// An event loop for sockets, pipes, processes and signals. Every event is a descriptor or a ZeroMQ socket
// that becomes ready, or a deadline that passes, so no code needs to sleep or to poll.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>
#include <zmq.hpp>

#include "util/pause_watch.hpp"
#include "util/time.hpp"

namespace sweep {

class EventLoop {
 public:
  using Handler = std::function<void()>;

  /// Calls `handler` whenever `fd` is readable, at end of file, or in error. Each descriptor has one handler.
  void watch(int fd, Handler handler);
  /// Calls `handler` whenever `fd` is writable, in addition to the handler for reading.
  void watch_writing(int fd, Handler handler);
  /// Removes both handlers. May be called in a handler, for any descriptor. Call it before the descriptor is
  /// closed.
  void unwatch(int fd);
  /// Calls `handler` whenever the ZeroMQ socket is readable. The socket must outlive the loop.
  void watch(zmq::socket_ref socket, Handler handler);

  /// Calls `handler` with the length of a pause (util/pause_watch.hpp) after it, before any other handler.
  void watch_pauses(std::function<void(Millis)> handler) { on_pause_ = std::move(handler); }

  /// Waits until a descriptor or socket is ready or `deadline` has passed, and calls the handlers of those
  /// that are ready.
  void step(std::optional<Instant> deadline);

 private:
  std::map<int, Handler> fds_, writers_;
  std::vector<std::pair<zmq::socket_ref, Handler>> sockets_;
  PauseWatch pauses_;
  std::function<void(Millis)> on_pause_;
};

}  // namespace sweep
