#include "benchmarks/sweep-simserver/io/call.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>

namespace sweep::sim_server {

namespace {

namespace http = boost::beast::http;

constexpr std::size_t kReadBytes = 64 << 10;

}  // namespace

std::string request_bytes(std::string_view method, std::string_view target, std::string_view body,
                          bool keep) {
  std::string out = std::string(method) + " " + std::string(target) + " HTTP/1.1\r\nHost: worker\r\n";
  if (!keep) out += "Connection: close\r\n";
  if (method == "POST")
    out += "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  return out + "\r\n" + std::string(body);
}

Call::Call(boost::asio::io_context& loop, boost::asio::ip::tcp::endpoint worker, std::string request,
           Handlers handlers)
    : socket_(loop),
      worker_(std::move(worker)),
      request_(std::move(request)),
      handlers_(std::move(handlers)),
      buffer_(kReadBytes) {
  parser_.eager(true);
  parser_.body_limit(boost::none);
}

void Call::start() {
  socket_.async_connect(worker_, [self = shared_from_this()](Code code) {
    if (self->over_) return;
    if (code) return self->complete("cannot connect: " + code.message());
    self->send();
  });
}

void Call::cancel() {
  over_ = true;
  handlers_ = {};
  Code ignored;
  socket_.close(ignored);
}

void Call::send() {
  Code ignored;
  socket_.set_option(boost::asio::ip::tcp::no_delay(true), ignored);
  socket_.set_option(boost::asio::socket_base::keep_alive(true), ignored);
  boost::asio::async_write(socket_, boost::asio::buffer(request_),
                           [self = shared_from_this()](Code code, std::size_t) {
                             if (self->over_) return;
                             if (code) return self->complete(code.message());
                             self->receive();
                           });
}

void Call::receive() {
  socket_.async_read_some(boost::asio::buffer(buffer_),
                          [self = shared_from_this()](Code code, std::size_t bytes) {
                            if (self->over_) return;
                            self->in_.append(self->buffer_.data(), bytes);
                            self->parse(code);
                          });
}

// Parses what has arrived. `read`: the error of reading, such as end-of-file.
void Call::parse(Code read) {
  while (!in_.empty() && !parser_.is_done()) {
    Code code;
    const std::size_t used = parser_.put(boost::asio::buffer(in_), code);
    in_.erase(0, used);
    if (code && code != http::error::need_more)
      return complete("cannot parse its response: " + code.message());
    if (code || used == 0) break;
  }
  if (read == boost::asio::error::eof && parser_.got_some() && !parser_.is_done()) {
    Code ignored;
    parser_.put_eof(ignored);
  }
  if (parser_.is_header_done()) pass_body();
  if (over_) return;  // the handler has cancelled
  if (parser_.is_done()) return complete("");
  if (read) return complete(read == boost::asio::error::eof ? "it closed the connection" : read.message());
  receive();
}

void Call::pass_body() {
  std::string body = std::move(parser_.get().body());
  parser_.get().body().clear();
  if (body.empty() || !handlers_.body) return;
  const auto type = parser_.get()[http::field::content_type];
  const auto handle = handlers_.body;
  handle(static_cast<int>(parser_.get().result_int()), type.starts_with("text/event-stream"), body);
}

void Call::complete(const std::string& error) {
  const int status = parser_.is_header_done() ? static_cast<int>(parser_.get().result_int()) : 0;
  const Handlers handlers = handlers_;
  const auto self = shared_from_this();
  if (!error.empty() || !handlers.closed) {
    cancel();
  } else {
    wait_for_close();
  }
  handlers.end(status, error);
}

void Call::wait_for_close() {
  socket_.async_read_some(boost::asio::buffer(buffer_), [self = shared_from_this()](Code, std::size_t) {
    if (self->over_) return;
    const auto closed = self->handlers_.closed;
    self->cancel();
    closed();
  });
}

}  // namespace sweep::sim_server
