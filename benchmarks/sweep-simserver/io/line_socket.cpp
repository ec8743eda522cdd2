#include "benchmarks/sweep-simserver/io/line_socket.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

namespace sweep::sim_server {

namespace {

using Code = boost::system::error_code;

constexpr std::size_t kLineBytes = 64 << 10;

}  // namespace

void LineSocket::start(Handlers handlers) {
  handlers_ = std::move(handlers);
  Code ignored;
  socket_.set_option(boost::asio::ip::tcp::no_delay(true), ignored);
  socket_.set_option(boost::asio::socket_base::keep_alive(true), ignored);
  receive();
}

void LineSocket::receive() {
  const auto self = shared_from_this();
  boost::asio::async_read_until(socket_, boost::asio::dynamic_buffer(in_, kLineBytes), '\n',
                                [self](Code code, std::size_t bytes) {
                                  if (self->closed_) return;
                                  if (code) {
                                    const Handlers handlers = std::move(self->handlers_);
                                    self->close();
                                    return handlers.end();
                                  }
                                  const std::string line = self->in_.substr(0, bytes - 1);
                                  self->in_.erase(0, bytes);
                                  const auto handle = self->handlers_.line;
                                  handle(line);
                                  if (!self->closed_) self->receive();
                                });
}

void LineSocket::send(const std::string& line) {
  if (closed_) return;
  Code ignored;  // a lost peer is noticed by receive()
  boost::asio::write(socket_, boost::asio::buffer(line), ignored);
}

void LineSocket::close() {
  if (closed_) return;
  closed_ = true;
  handlers_ = {};
  Code ignored;
  socket_.shutdown(boost::asio::ip::tcp::socket::shutdown_both, ignored);
  socket_.close(ignored);
}

std::string LineSocket::peer() const {
  Code code;
  const auto endpoint = socket_.remote_endpoint(code);
  return code ? "unknown" : endpoint.address().to_string() + ":" + std::to_string(endpoint.port());
}

}  // namespace sweep::sim_server
