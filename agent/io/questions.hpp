// Questions to a server on this machine, over HTTP/1.1: one short request, one status. Boost.Beast reads the
// answers; nothing of it shows here.
//
// Rules: one question per ref, a new one takes the place of the one before; every question is answered once,
// with the status or with why there is none; an answer may be as long as it likes, and is not kept. Nothing
// blocks: the sockets are in the EventLoop, and patience is a deadline.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <optional>

#include "agent/core/actions.hpp"
#include "proto/net/event_loop.hpp"

namespace sweep::agent {

class Questions {
 public:
  using Tell = std::function<void(Input)>;

  /// `loop` must outlive it.
  Questions(EventLoop& loop, Tell tell);
  ~Questions();
  Questions(const Questions&) = delete;
  Questions& operator=(const Questions&) = delete;

  void ask(const Ask& what, Instant now);
  /// When on_time() has something to do.
  std::optional<Instant> deadline() const;
  void on_time(Instant now);

 private:
  struct Question;

  void write(Question& question);
  void read(Question& question);
  void answer(Question& question, int status, const std::string& problem);

  EventLoop& loop_;
  Tell tell_;
  std::list<std::unique_ptr<Question>> open_;
};

}  // namespace sweep::agent
