// Writes lines to a descriptor that may block: a terminal that is stopped (Ctrl-S), a pipe that is not read,
// a file on a hung file system. The caller never waits.
//
// A thread writes, because the event loop cannot do it for every kind of descriptor: O_NONBLOCK would apply
// to all processes that share the terminal or pipe, a pipe that poll() reports as writable can be full when
// another process has written first, and files are always reported as writable. The thread is started by the
// first write() and blocks all signals. One that is stuck in write(2) does not keep the process from ending.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "util/time.hpp"

namespace sweep {

class QueuedWriter {
 public:
  static constexpr std::size_t kMostBytes = 256 * 1024;

  /// Writes to `fd`, which must stay open until everything is written or the process ends. At most
  /// `most_bytes` wait; the oldest lines beyond that are dropped, and a line says how many.
  explicit QueuedWriter(int fd, std::size_t most_bytes = kMostBytes);
  ~QueuedWriter();
  QueuedWriter(const QueuedWriter&) = delete;
  QueuedWriter& operator=(const QueuedWriter&) = delete;

  /// Writes `text` after what was written before. Returns at once. After a failed write (the reader is gone)
  /// it does nothing.
  void write(std::string text);
  /// Returns how many texts have not been written completely.
  std::size_t waiting() const;
  /// Waits until everything has been written. Returns false if a piece took longer than `patience`. For a
  /// program's end: it blocks the caller.
  bool flush(Millis patience);

 private:
  struct Shared;
  static void* run(void* shared);
  bool start();
  std::shared_ptr<Shared> shared_;
  bool started_ = false;
};

}  // namespace sweep
