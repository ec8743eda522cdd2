// A router: watches its workers and passes requests to them. core/workers.hpp decides which worker gets a
// request and when the router is ready; this class has only sockets and timers.
//
// Each worker is asked for /health until it returns 200. The connection then stays open without further
// requests, and its end means that the worker is lost, so a loss is noticed at once and without polling.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <string>
#include <vector>

#include "benchmarks/sweep-simserver/core/workers.hpp"
#include "benchmarks/sweep-simserver/io/call.hpp"
#include "benchmarks/sweep-simserver/io/connection.hpp"
#include "benchmarks/sweep-simserver/io/server.hpp"

namespace sweep::sim_server {

/// A request of a client.
struct RoutedRequest {
  std::string method, target, body;
  bool chunked = true;  ///< the client supports chunked encoding
  bool close = false;   ///< close the connection after the response
};

class Router {
 public:
  Router(boost::asio::io_context& loop, const Settings& settings, Server& server);

  /// Looks up the addresses of the workers. Fails with the URL and the reason.
  Expected<void> resolve();
  void start();
  void stop();

  /// Answers one request, at once or later.
  void handle(const std::shared_ptr<Connection>& connection, RoutedRequest request);

  // For relays.
  Workers& workers() { return workers_; }
  Server& server() { return server_; }
  std::shared_ptr<Call> call(std::size_t worker, std::string request, Call::Handlers handlers);

 private:
  void ask(std::size_t worker);
  void asked(std::size_t worker, bool ready);
  void lost(std::size_t worker);
  void update();
  void generate(const std::shared_ptr<Connection>& connection, RoutedRequest request);
  void forward(const std::shared_ptr<Connection>& connection, RoutedRequest request);
  void reset(const std::shared_ptr<Connection>& connection, const RoutedRequest& request);

  boost::asio::io_context& loop_;
  const Settings& settings_;
  Server& server_;
  Workers workers_;
  std::vector<boost::asio::ip::tcp::endpoint> endpoints_;  // by worker
  std::vector<std::shared_ptr<Call>> watches_;             // by worker
  std::vector<boost::asio::steady_timer> timers_;          // by worker; until the next question
  bool stopped_ = false;
};

}  // namespace sweep::sim_server
