// One client's connection: requests in, one after another, and the bytes of their answers out.
//
// Rules: it always waits for something to read, so that a client that goes away is seen in the middle of a
// stream and its sequences leave the batch. Nothing blocks: what the socket does not take waits for it, up to
// a bound. A request that has begun must be whole within a deadline.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "benchmarks/sweep-simserver/core/exchange.hpp"

namespace sweep::sim_server {

class Server;

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(boost::asio::ip::tcp::socket socket, Server& server);

  void start();
  /// Closes at once; safe to call twice.
  void close();

  struct Token {
    std::size_t choice = 0;
    std::uint32_t index = 0;
    bool last = false;
  };
  /// A token is due. True when it is the first one since the last deliver().
  bool take(const Token& token);
  /// Writes what was taken.
  void deliver();

 private:
  using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;
  using Code = boost::system::error_code;

  void wait_readable();
  void readable();
  void read_requests();
  bool read_one();
  void refuse(int status, const std::string& message);
  void handle();
  void generate(Endpoint endpoint, bool close);
  void answer(const Answer& answer, bool close);
  void after_tokens();
  void post_burst();
  void burst();
  void endless();
  void flush();
  void all_sent();
  void hang_up();
  void set_deadline(std::chrono::seconds after);

  boost::asio::ip::tcp::socket socket_;
  Server& server_;
  boost::asio::steady_timer
      timer_;  // the deadline of a request or of hanging up; the rhythm of an endless line
  std::optional<Parser> parser_;
  std::string in_;   // read and not parsed
  std::string out_;  // made and not sent; what is before sent_ has gone
  std::size_t sent_ = 0;
  std::optional<Exchange> exchange_;
  std::vector<std::uint64_t> ids_;  // its sequences
  std::vector<Token> taken_;
  bool waiting_readable_ = false, waiting_writable_ = false;
  bool continued_ = false;    // the client was told to go on with its body
  bool close_after_ = false;  // when everything is sent
  bool hanging_up_ = false;   // what comes is thrown away
  bool burst_posted_ = false;
  bool deadline_set_ = false;
  bool closed_ = false;
};

}  // namespace sweep::sim_server
