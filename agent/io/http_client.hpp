// Sends HTTP/1.1 requests to servers on this machine and reads the status of the answer. Boost.Beast parses
// the answers and is not visible here.
//
// Rules: one request per ref; a new one replaces the previous one. Every other request is answered once, with
// the status or with the reason why there is none. An answer may have any length; its body is not kept.
// Nothing blocks: the sockets are in the EventLoop, and each request has a deadline.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <optional>

#include "agent/core/actions.hpp"
#include "proto/net/event_loop.hpp"

namespace sweep::agent {

class HttpClient {
 public:
  using OnInput = std::function<void(Input)>;

  /// `loop` must outlive the client.
  HttpClient(EventLoop& loop, OnInput on_input);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  void send(const AskServer& what, Instant now);
  /// Returns when on_deadline() is due.
  std::optional<Instant> deadline() const;
  void on_deadline(Instant now);

 private:
  struct Request;

  void write(Request& request);
  void read(Request& request);
  void answer(Request& request, int status, const std::string& problem);

  EventLoop& loop_;
  OnInput on_input_;
  std::list<std::unique_ptr<Request>> open_;
};

}  // namespace sweep::agent
