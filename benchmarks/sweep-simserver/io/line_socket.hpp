// A connection between two ranks of a worker: lines in both directions (core/rendezvous.hpp).
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <string>

namespace sweep::sim_server {

class LineSocket : public std::enable_shared_from_this<LineSocket> {
 public:
  struct Handlers {
    std::function<void(const std::string&)> line;  ///< a line has arrived; without its line feed
    std::function<void()> end;                     ///< the peer has closed the connection; not after close()
  };

  explicit LineSocket(boost::asio::ip::tcp::socket socket) : socket_(std::move(socket)) {}

  /// Starts to receive.
  void start(Handlers handlers);
  /// Sends a line. Lines are short, so the kernel's buffer always has room for them.
  void send(const std::string& line);
  /// Closes the connection after everything that was sent.
  void close();
  /// Returns the peer's "ADDRESS:PORT".
  std::string peer() const;

 private:
  void receive();

  boost::asio::ip::tcp::socket socket_;
  std::string in_;
  Handlers handlers_;
  bool closed_ = false;
};

}  // namespace sweep::sim_server
