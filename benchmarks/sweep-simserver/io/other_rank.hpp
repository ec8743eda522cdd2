// A rank other than 0 of a worker with several processes: connects to rank 0, loads when all ranks are there, and
// ends when rank 0 does. It serves no HTTP. core/rendezvous.hpp describes the messages.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <optional>

#include "benchmarks/sweep-simserver/io/line_socket.hpp"
#include "benchmarks/sweep-simserver/io/loader.hpp"
#include "benchmarks/sweep-simserver/io/settings.hpp"

namespace sweep::sim_server {

class OtherRank {
 public:
  /// `end`: the process has to end with this status; the reason was printed.
  OtherRank(boost::asio::io_context& loop, const Settings& settings, std::function<void(int)> end);

  void start();
  void stop();

 private:
  void connect();
  void connect_failed(const boost::system::error_code& code);
  void connected();
  void receive(const std::string& line);
  void end(int status, const std::string& reason);
  std::string first_rank() const;

  boost::asio::io_context& loop_;
  const Settings& settings_;
  std::function<void(int)> end_;
  Loader loader_;
  boost::asio::ip::tcp::resolver resolver_;
  std::optional<boost::asio::ip::tcp::socket> connecting_;
  std::shared_ptr<LineSocket> socket_;
  boost::asio::steady_timer retry_;
  std::chrono::steady_clock::time_point give_up_;
};

}  // namespace sweep::sim_server
