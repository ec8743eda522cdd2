// The server: one event loop, one thread. It accepts, keeps the timeline going at the pace of the clock, and
// hands each token to the connection that waits for it.
//
// Rules: what is sent follows from core/; here are sockets, timers and nothing else. Tokens that are due
// together are written connection by connection, each with one write, and stamped just before it.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <set>
#include <unordered_map>
#include <vector>

#include "benchmarks/sweep-simserver/core/reply.hpp"
#include "benchmarks/sweep-simserver/core/timeline.hpp"
#include "benchmarks/sweep-simserver/io/settings.hpp"
#include "util/error.hpp"

namespace sweep::sim_server {

class Connection;

/// CLOCK_MONOTONIC in nanoseconds.
std::int64_t monotonic_ns();

class Server {
 public:
  /// `timeline`: null where the pace is Zero. `served`: what is told of the model; it becomes ready later.
  Server(boost::asio::io_context& loop, const Settings& settings, std::unique_ptr<Timeline> timeline,
         Served served);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Takes the port. Fails with the address and the reason.
  Expected<void> listen();
  /// "http://127.0.0.1:8000", once it listens.
  std::string url() const;
  /// Begins to accept and to load.
  void start();
  /// Closes everything; the loop then has nothing to do.
  void stop();
  /// What was done, in one line.
  std::string report() const;

  // For connections.
  const Settings& settings() const { return settings_; }
  const Served& served() const { return served_; }
  boost::asio::io_context& loop() { return loop_; }
  std::vector<char>& scratch() { return scratch_; }
  std::uint64_t next_number() { return requests_++; }
  /// One sequence for each prompt. Fails where one could never run; then there is none.
  Expected<std::vector<std::uint64_t>> submit(const std::shared_ptr<Connection>& connection,
                                              const Generation& generation);
  void cancel(const std::vector<std::uint64_t>& ids);
  /// An answer has gone out, with so many tokens; where --fault crash-after says so, this does not return.
  void answered(std::uint64_t tokens);
  void left(const std::shared_ptr<Connection>& connection);

 private:
  struct Taker {
    std::shared_ptr<Connection> connection;
    std::size_t choice = 0;
  };

  void accept();
  void load(int percent);
  void ready();
  Time virtual_now() const;
  std::chrono::steady_clock::time_point real(Time at) const;
  void arm();
  void pump();

  boost::asio::io_context& loop_;
  const Settings settings_;
  std::unique_ptr<Timeline> timeline_;
  Served served_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer pace_timer_, load_timer_;
  std::chrono::steady_clock::time_point origin_;
  std::optional<Time> armed_for_;
  std::set<std::shared_ptr<Connection>> connections_;
  std::unordered_map<std::uint64_t, Taker> sequences_;
  std::vector<TokenEvent> events_;
  std::vector<std::shared_ptr<Connection>> dirty_;
  std::vector<char> scratch_;  // what a connection reads, before it is its own
  bool accepting_ = false, stopped_ = false;
  std::uint64_t next_id_ = 0, requests_ = 0, answers_ = 0, tokens_ = 0;
  std::chrono::nanoseconds latest_{};  // the most by which a token was behind its time
};

}  // namespace sweep::sim_server
