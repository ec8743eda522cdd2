#include "benchmarks/sweep-simserver/io/other_rank.hpp"

#include <boost/asio/connect.hpp>

#include "benchmarks/sweep-simserver/io/log.hpp"
#include "util/text.hpp"

namespace sweep::sim_server {

namespace {

using boost::asio::ip::tcp;
using Code = boost::system::error_code;

constexpr std::chrono::milliseconds kRetryInterval{100};

}  // namespace

OtherRank::OtherRank(boost::asio::io_context& loop, const Settings& settings, std::function<void(int)> end)
    : loop_(loop),
      settings_(settings),
      end_(std::move(end)),
      loader_(loop, settings),
      resolver_(loop),
      retry_(loop) {}

std::string OtherRank::first_rank() const {
  return "rank 0 (" + settings_.rendezvous_host + ":" + std::to_string(settings_.rendezvous_port) + ")";
}

void OtherRank::start() {
  const std::string self =
      "rank " + std::to_string(settings_.node_rank) + " of " + std::to_string(settings_.nnodes);
  if (settings_.faults.never_connect) return log_event(self + " does not connect (--fault never-connect)");
  log_event(self + " connects to " + first_rank());
  give_up_ =
      std::chrono::steady_clock::now() + std::chrono::duration_cast<std::chrono::nanoseconds>(
                                             std::chrono::duration<double>(settings_.rendezvous_seconds));
  connect();
}

void OtherRank::stop() {
  resolver_.cancel();
  retry_.cancel();
  loader_.stop();
  if (socket_) socket_->close();
}

void OtherRank::connect() {
  resolver_.async_resolve(
      settings_.rendezvous_host, std::to_string(settings_.rendezvous_port),
      [this](Code code, const tcp::resolver::results_type& found) {
        if (code) return connect_failed(code);
        connecting_.emplace(loop_);
        boost::asio::async_connect(*connecting_, found, [this](Code failed, const tcp::endpoint&) {
          if (failed) return connect_failed(failed);
          // While rank 0 does not listen, a socket whose own port is that of rank 0 connects to itself.
          Code ignored;
          if (connecting_->local_endpoint(ignored) == connecting_->remote_endpoint(ignored))
            return connect_failed(boost::asio::error::connection_refused);
          connected();
        });
      });
}

void OtherRank::connect_failed(const Code& code) {
  if (code == boost::asio::error::operation_aborted) return;
  if (std::chrono::steady_clock::now() + kRetryInterval > give_up_)
    return end(1, "cannot connect to " + first_rank() + " within " +
                      seconds_text(settings_.rendezvous_seconds) + " s: " + code.message() +
                      "; start rank 0, or give its address with --dist-init-addr");
  retry_.expires_after(kRetryInterval);
  retry_.async_wait([this](Code waited) {
    if (!waited) connect();
  });
}

void OtherRank::connected() {
  socket_ = std::make_shared<LineSocket>(std::move(*connecting_));
  connecting_.reset();
  socket_->start({.line = [this](const std::string& line) { receive(line); },
                  .end =
                      [this] {
                        end(1, first_rank() +
                                   " is lost: its connection has ended; read the log of that process");
                      }});
  socket_->send(hello_line({.rank = settings_.node_rank, .options = settings_.shared_options}));
}

void OtherRank::receive(const std::string& line) {
  const auto order = read_order(line);
  if (!order)
    return end(1, first_rank() + " is not a sweep-simserver: it sent '" + printable(clipped(line, 60)) +
                      "'; give the address of rank 0 with --dist-init-addr");
  if (order->end) return end(order->failed ? 1 : 0, first_rank() + " has ended: " + printable(*order->end));
  loader_.start([this] {
    log_event("rank " + std::to_string(settings_.node_rank) + " has loaded (simulated)");
    socket_->send(loaded_line());
  });
}

void OtherRank::end(int status, const std::string& reason) {
  log_event(reason);
  end_(status);
}

}  // namespace sweep::sim_server
