// One request and its response over one connection: connects if there is no idle connection, sends, reads the
// whole response, enforces the time limits. Boost.Asio, on the loop of one thread.
//
// The record is complete when `done` is called, which happens exactly once. Arrival times are the kernel's
// time stamps (SO_TIMESTAMPNS) if available, otherwise the times of the reads. If a reused connection ends
// before the first byte of the response, the server has closed it while it was idle: the request is sent
// again, once, over a new connection, and this is counted.
#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "benchmarks/sweep-bench/core/answer.hpp"
#include "benchmarks/sweep-bench/core/lag.hpp"
#include "benchmarks/sweep-bench/core/prompts.hpp"
#include "benchmarks/sweep-bench/io/http_reader.hpp"

namespace sweep::client {

using Tcp = boost::asio::ip::tcp;
using Connection = std::unique_ptr<Tcp::socket>;

/// The server's address, and the part of the request before each body.
struct Target {
  Tcp::endpoint endpoint;
  std::string request_head;  // up to Content-Length's value
};

/// State shared by the exchanges of one thread.
struct ThreadState {
  const Setup& setup;
  const Target& target;
  boost::asio::io_context loop{1};
  std::vector<Connection> idle = {};  // the most recently used one is the last
  std::vector<char> buffer = std::vector<char>(std::size_t{256} << 10);
  ClientReport report = {};
};

class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  using Done = std::function<void(Exchange&)>;

  /// `record` and `state` must outlive this object.
  Exchange(ThreadState& state, RequestRecord& record, std::uint32_t max_tokens, Body body, Done done);

  /// Uses an idle connection or opens one. The record's `arrival` and `scheduled` must be set before.
  void start();
  /// Ends the exchange immediately without calling `done`.
  void abandon();

 private:
  void connect();
  void send();
  void read();
  bool take(std::size_t bytes, Nanos at);
  Nanos arrival(const struct msghdr& message, Nanos read_at);
  void fail_with(Failure kind, const std::string& error);
  void ended_by_peer(const std::string& error);
  void finish();
  void watch_time_limits();
  std::optional<std::string> overdue(Nanos now) const;

  ThreadState& state_;
  RequestRecord& record_;
  std::uint32_t max_tokens_;
  Body body_;
  Done done_;
  std::string head_;
  Connection connection_;
  boost::asio::steady_timer timer_;
  std::optional<AnswerReader> answer_;
  std::optional<HttpReader> reader_;
  bool reused_ = false, connecting_ = false, written_ = false, over_ = false;
  Nanos last_activity_ = 0;
};

/// Opens a connection and adds it to the thread's idle connections. Calls `done` whether or not that
/// succeeds. Returns the attempt: null once the connection is open; until then it may be closed to give up.
std::shared_ptr<Connection> open_connection(ThreadState& state, std::function<void()> done);

}  // namespace sweep::client
