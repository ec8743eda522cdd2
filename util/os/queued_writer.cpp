#include "util/os/queued_writer.hpp"

#include <pthread.h>

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <cstdint>
#include <mutex>
#include <tuple>

#include "util/line_queue.hpp"
#include "util/os/files.hpp"

namespace sweep {

namespace {

constexpr std::size_t kPiece = 4096;  // PIPE_BUF: lines of several programs are not mixed in a pipe

}  // namespace

struct QueuedWriter::Shared {
  Shared(int fd_of_output, std::size_t most_bytes) : fd(fd_of_output), queue(most_bytes) {}

  const int fd;
  std::mutex mutex;
  std::condition_variable changed;
  LineQueue queue;
  bool writing = false;      // a text was taken from the queue and is not completely written
  bool failed = false;       // the reader is gone
  bool abandoned = false;    // there is no QueuedWriter any more
  std::uint64_t pieces = 0;  // written so far

  bool idle() const { return failed || (queue.empty() && !writing); }
};

QueuedWriter::QueuedWriter(int fd, std::size_t most_bytes)
    : shared_(std::make_shared<Shared>(fd, most_bytes)) {}

QueuedWriter::~QueuedWriter() {
  const std::lock_guard lock(shared_->mutex);
  shared_->abandoned = true;
  shared_->changed.notify_all();
}

// The thread. It owns its share of the state, because a stuck one outlives the QueuedWriter.
void* QueuedWriter::run(void* argument) {
  const std::unique_ptr<std::shared_ptr<Shared>> owned(static_cast<std::shared_ptr<Shared>*>(argument));
  Shared& shared = **owned;
  std::unique_lock lock(shared.mutex);
  for (;;) {
    shared.changed.wait(lock, [&] { return !shared.queue.empty() || shared.abandoned; });
    const auto text = shared.queue.pop();
    if (!text) return nullptr;
    shared.writing = true;
    for (std::size_t at = 0; at < text->size() && !shared.failed; at += kPiece) {
      lock.unlock();
      const bool written = write_all(shared.fd, std::string_view(*text).substr(at, kPiece)) == 0;
      lock.lock();
      if (!written) shared.failed = true;
      ++shared.pieces;
      shared.changed.notify_all();
    }
    shared.writing = false;
    shared.changed.notify_all();
  }
}

/// Starts the thread. Returns false if there cannot be another one.
bool QueuedWriter::start() {
  if (started_) return true;
  auto owned = std::make_unique<std::shared_ptr<Shared>>(shared_);
  sigset_t all, before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread;
  started_ = ::pthread_create(&thread, nullptr, run, owned.get()) == 0;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (!started_) return false;
  std::ignore = owned.release();  // run() owns it now
  ::pthread_detach(thread);
  return true;
}

void QueuedWriter::write(std::string text) {
  if (text.empty()) return;
  const bool threaded = start();
  const std::lock_guard lock(shared_->mutex);
  if (shared_->failed) return;
  if (threaded) {
    shared_->queue.push(std::move(text));
    shared_->changed.notify_all();
  } else {
    shared_->failed = write_all(shared_->fd, text) != 0;
  }
}

std::size_t QueuedWriter::waiting() const {
  const std::lock_guard lock(shared_->mutex);
  if (shared_->failed) return 0;
  return shared_->queue.size() + (shared_->writing ? 1 : 0);
}

bool QueuedWriter::flush(Millis patience) {
  std::unique_lock lock(shared_->mutex);
  while (!shared_->idle()) {
    const std::uint64_t before = shared_->pieces;
    const auto moved = [&] { return shared_->idle() || shared_->pieces != before; };
    if (!shared_->changed.wait_for(lock, patience, moved)) return false;
  }
  return true;
}

}  // namespace sweep
