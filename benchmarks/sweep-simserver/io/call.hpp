// One HTTP request of the router to a worker. The body of the response is passed on as it arrives.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sweep::sim_server {

class Call : public std::enable_shared_from_this<Call> {
 public:
  struct Handlers {
    /// A part of the body has arrived. `stream`: the body is a stream of events.
    std::function<void(int status, bool stream, std::string_view bytes)> body;
    /// The response is complete, with `error` empty, or the worker is lost. Called once, and not after cancel().
    std::function<void(int status, const std::string& error)> end;
    /// If set, the connection stays open after a complete response; called when the worker closes it.
    std::function<void()> closed = {};
  };

  Call(boost::asio::io_context& loop, boost::asio::ip::tcp::endpoint worker, std::string request,
       Handlers handlers);
  void start();
  /// Closes the connection. No handler is called afterwards.
  void cancel();

 private:
  using Code = boost::system::error_code;
  void send();
  void receive();
  void parse(Code code);
  void pass_body();
  void complete(const std::string& error);
  void wait_for_close();

  boost::asio::ip::tcp::socket socket_;
  boost::asio::ip::tcp::endpoint worker_;
  std::string request_;
  Handlers handlers_;
  boost::beast::http::response_parser<boost::beast::http::string_body> parser_;
  std::vector<char> buffer_;
  std::string in_;  // received but not parsed
  bool over_ = false;
};

/// Returns the bytes of a request. `keep`: the connection stays open after the response.
std::string request_bytes(std::string_view method, std::string_view target, std::string_view body, bool keep);

}  // namespace sweep::sim_server
