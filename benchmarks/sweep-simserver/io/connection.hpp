// One client connection: reads requests, one after another, and writes the bytes of their responses.
//
// A connection always waits for input, so a client that disconnects in the middle of a stream is noticed and
// its sequences leave the batch. Nothing blocks: bytes that the socket does not accept are buffered, up to a
// limit. A request must be complete within a deadline after its first byte.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "benchmarks/sweep-simserver/core/exchange.hpp"
#include "benchmarks/sweep-simserver/io/pending.hpp"

namespace sweep::sim_server {

class Server;

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(boost::asio::ip::tcp::socket socket, Server& server);

  void start();
  /// Closes immediately. May be called more than once.
  void close();

  struct Token {
    std::size_t choice = 0;
    std::uint32_t index = 0;
    bool last = false;
  };
  /// Stores a token that is due. Returns true if it is the first one since the last deliver().
  bool add_token(const Token& token);
  /// Writes the stored tokens.
  void deliver();

  // For the router.
  /// Sends a whole response.
  void answer(const Answer& answer, bool close);
  /// Handles no further request until finish(). If the client disconnects before, `response` is cancelled.
  void wait_for(std::shared_ptr<Pending> response) { pending_ = std::move(response); }
  /// Sends a part of a response.
  void send(std::string_view bytes);
  /// Sends the last part. `close`: the connection is closed after it.
  void finish(std::string_view bytes, bool close);

 private:
  using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;
  using Code = boost::system::error_code;

  void wait_readable();
  void readable();
  void read_requests();
  bool read_one();
  void reject(int status, const std::string& message);
  void handle_request();
  void generate(Endpoint endpoint, bool close);
  void handle_next();
  void after_tokens();
  void post_burst();
  void burst();
  void send_endless_line();
  void flush();
  void all_sent();
  void hang_up();
  void set_deadline(std::chrono::seconds after);

  boost::asio::ip::tcp::socket socket_;
  Server& server_;
  boost::asio::steady_timer timer_;  // deadline of a request or of closing; interval of an endless line
  std::optional<Parser> parser_;
  std::string in_;   // received but not parsed
  std::string out_;  // to be sent; the first sent_ bytes have been sent
  std::size_t sent_ = 0;
  std::optional<Exchange> exchange_;
  std::shared_ptr<Pending> pending_;  // the router's response to the running request
  std::vector<std::uint64_t> ids_;    // ids of the running request's sequences
  std::vector<Token> tokens_;
  bool waiting_readable_ = false, waiting_writable_ = false;
  bool continued_ = false;    // 100 Continue has been sent for this request
  bool close_after_ = false;  // close after everything has been sent
  bool hanging_up_ = false;   // further input is discarded
  bool burst_posted_ = false;
  bool deadline_set_ = false;
  bool closed_ = false;
};

}  // namespace sweep::sim_server
