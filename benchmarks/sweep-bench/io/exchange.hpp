// One request and its answer over one connection: connect where there is none, send, read until the answer is
// over, time out. Boost.Asio, on one thread's loop.
//
// Rules: the record is complete when `done` is called, once. Arrivals are the kernel's stamps where it gives
// them (SO_TIMESTAMPNS), else the time of the read. A reused connection that ends before a byte of the answer
// is the server having closed it while idle: the request goes again, once, over a new one, and that is
// counted.
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

/// Where requests go, and what stands in front of each body.
struct Target {
  Tcp::endpoint endpoint;
  std::string request_head;  // up to Content-Length's value
};

/// What the exchanges of one thread share.
struct ThreadState {
  const Setup& setup;
  const Target& target;
  boost::asio::io_context loop{1};
  std::vector<Connection> idle = {};  // the one that was used last comes last
  std::vector<char> buffer = std::vector<char>(std::size_t{256} << 10);
  ClientReport report = {};
};

class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  using Done = std::function<void(Exchange&)>;

  /// `record` and `state` outlive it.
  Exchange(ThreadState& state, RequestRecord& record, std::uint32_t wanted, Body body, Done done);

  /// Takes an idle connection or makes one; the record's arrival and scheduled are set before.
  void start();
  /// Ends it now; `done` is not called.
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
  void watch_time();
  std::optional<std::string> overdue(Nanos now) const;

  ThreadState& state_;
  RequestRecord& record_;
  std::uint32_t wanted_;
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

/// Opens a connection and hands it to the thread's idle ones; `done` is told in any case.
void open_connection(ThreadState& state, std::function<void()> done);

}  // namespace sweep::client
