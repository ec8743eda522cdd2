// Rank 0 of a worker with several processes: waits for the other ranks and watches their connections.
// core/rendezvous.hpp decides; this class has only sockets and a timer.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "benchmarks/sweep-simserver/io/line_socket.hpp"
#include "benchmarks/sweep-simserver/io/settings.hpp"

namespace sweep::sim_server {

class FirstRank {
 public:
  struct Handlers {
    std::function<void()> joined;     ///< all ranks have joined: loading begins
    std::function<void()> loaded;     ///< all ranks have loaded: the server is ready
    std::function<void(int)> failed;  ///< the process has to end with this status; the reason was printed
  };
  FirstRank(boost::asio::io_context& loop, const Settings& settings, Handlers handlers);

  /// Binds the address of the rendezvous. Fails with the address and the reason.
  Expected<void> listen();
  void start();
  /// Records that rank 0 has loaded.
  void loaded() { note_loaded(0); }
  /// Sends the reason of the end to all ranks and closes their connections. `failed`: it is a failure.
  void stop(const std::string& reason, bool failed);

 private:
  struct Peer {
    std::shared_ptr<LineSocket> socket;
    std::optional<std::uint32_t> rank;  // after its first line
  };
  void accept();
  void receive(std::uint64_t peer, const std::string& line);
  void lost(std::uint64_t peer);
  void note_loaded(std::uint32_t rank);
  void fail_all(const std::string& reason);
  std::string address() const;

  const Settings& settings_;
  Handlers handlers_;
  Rendezvous rendezvous_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer timeout_;
  std::map<std::uint64_t, Peer> peers_;
  std::uint64_t next_peer_ = 0;
  bool stopped_ = false;
};

}  // namespace sweep::sim_server
