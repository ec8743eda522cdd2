// The server: one event loop in one thread. It accepts connections, advances the timeline with the clock, and
// passes each token to the connection that waits for it.
//
// core/ determines what is sent; this class has only sockets and timers. Tokens that are due at the same time
// are written connection by connection, with one write for each, and get their time stamps just before.
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
class Router;

class Server {
 public:
  /// `timeline`: nullptr if the pace is Zero. `served`: describes the model; it becomes ready later.
  Server(boost::asio::io_context& loop, const Settings& settings, std::unique_ptr<Timeline> timeline,
         Served served);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Binds the port. Fails with the address and the reason.
  Expected<void> listen();
  /// Returns "http://127.0.0.1:8000". Only after listen().
  std::string url() const;
  /// Starts to accept connections. The server is not ready yet.
  void start();
  /// Sets whether the server is ready, which /health shows.
  void set_ready(bool ready);
  /// Makes `router` answer all requests. It must outlive the server's connections.
  void use_router(Router& router) { router_ = &router; }
  /// Closes all connections and cancels all timers, after which the loop has no work.
  void stop();
  /// Returns a one-line summary of the run.
  std::string report() const;

  // For connections.
  const Settings& settings() const { return settings_; }
  const Served& served() const { return served_; }
  boost::asio::io_context& loop() { return loop_; }
  std::vector<char>& scratch() { return scratch_; }
  /// Returns the router; nullptr if this process is none.
  Router* router() const { return router_; }
  /// Counts a request and returns its number, from 0. Does not return if --fault die-after-requests is due.
  std::uint64_t next_number();
  /// Submits one sequence for each prompt and returns their ids. Fails if one of them could never run; then
  /// none is submitted.
  Expected<std::vector<std::uint64_t>> submit(const std::shared_ptr<Connection>& connection,
                                              const Generation& generation);
  void cancel(const std::vector<std::uint64_t>& ids);
  /// To be called after each response with its number of tokens. Does not return if --fault crash-after is
  /// due.
  void answered(std::uint64_t tokens);
  void connection_closed(const std::shared_ptr<Connection>& connection);

 private:
  struct Recipient {
    std::shared_ptr<Connection> connection;
    std::size_t choice = 0;
  };

  void accept();
  void accept_failed(const boost::system::error_code& code);
  Time virtual_now() const;
  std::chrono::steady_clock::time_point real_time(Time at) const;
  void arm_timer();
  void deliver_due_tokens();

  boost::asio::io_context& loop_;
  const Settings settings_;
  std::unique_ptr<Timeline> timeline_;
  Served served_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer pace_timer_, accept_timer_;
  std::chrono::steady_clock::time_point origin_;
  std::optional<Time> armed_for_;
  std::set<std::shared_ptr<Connection>> connections_;
  std::unordered_map<std::uint64_t, Recipient> sequences_;
  std::vector<TokenEvent> events_;
  std::vector<std::shared_ptr<Connection>> pending_delivery_;
  std::vector<char> scratch_;  // shared read buffer of all connections
  Router* router_ = nullptr;
  bool accepting_ = false, stopped_ = false, failure_logged_ = false;
  std::uint64_t next_id_ = 0, requests_ = 0, answers_ = 0, tokens_ = 0;
  std::chrono::nanoseconds max_delay_{};  // the largest delay of a token behind its due time
};

}  // namespace sweep::sim_server
