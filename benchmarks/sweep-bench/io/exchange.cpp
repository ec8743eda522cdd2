#include "benchmarks/sweep-bench/io/exchange.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <cstring>

#include "benchmarks/monotonic_clock.hpp"
#include "benchmarks/sweep-bench/io/clock.hpp"
#include "util/os/files.hpp"

namespace sweep::client {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr int kReadsPerTurn = 16;  // then the other connections of the thread get their turn

void configure(Tcp::socket& socket) {
  error_code ignored;
  socket.set_option(Tcp::no_delay(true), ignored);
  const int on = 1;
  ::setsockopt(socket.native_handle(), SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
}

}  // namespace

std::shared_ptr<Connection> open_connection(ThreadState& state, std::function<void()> done) {
  auto socket = std::make_shared<Connection>(std::make_unique<Tcp::socket>(state.loop));
  (*socket)->async_connect(state.target.endpoint,
                           [&state, socket, done = std::move(done)](const error_code& code) {
                             if (!code) {
                               configure(**socket);
                               ++state.report.connections;
                               state.idle.push_back(std::move(*socket));
                             }
                             done();
                           });
  return socket;
}

Exchange::Exchange(ThreadState& state, RequestRecord& record, std::uint32_t max_tokens, Body body, Done done)
    : state_(state),
      record_(record),
      max_tokens_(max_tokens),
      body_(std::move(body)),
      done_(std::move(done)),
      head_(state.target.request_head + std::to_string(body_.size()) + "\r\n\r\n"),
      timer_(state.loop) {}

void Exchange::start() {
  last_activity_ = record_.sent = bench::monotonic_ns();
  answer_.emplace(record_, max_tokens_, state_.setup.options.save_detailed);
  reader_.emplace(*answer_, record_);
  if (state_.idle.empty()) return connect();
  connection_ = std::move(state_.idle.back());
  state_.idle.pop_back();
  reused_ = true;
  watch_time_limits();
  send();
}

void Exchange::connect() {
  reused_ = false;
  connecting_ = true;
  watch_time_limits();
  connection_ = std::make_unique<Tcp::socket>(state_.loop);
  connection_->async_connect(state_.target.endpoint, [self = shared_from_this()](const error_code& code) {
    if (self->over_) return;
    self->connecting_ = false;
    if (code) return self->fail_with(Failure::Refused, "cannot connect: " + code.message());
    configure(*self->connection_);
    ++self->state_.report.connections;
    self->last_activity_ = bench::monotonic_ns();
    self->watch_time_limits();
    self->send();
  });
}

void Exchange::send() {
  const std::array<asio::const_buffer, 5> pieces = {asio::buffer(head_), asio::buffer(body_.head),
                                                    asio::buffer(body_.prefix.data(), body_.prefix.size()),
                                                    asio::buffer(body_.window.data(), body_.window.size()),
                                                    asio::buffer(body_.tail.data(), body_.tail.size())};
  written_ = false;
  asio::async_write(*connection_, pieces, [self = shared_from_this()](const error_code& code, std::size_t) {
    // A server may respond and close before it has read the whole request; its response is read in any case.
    if (self->over_ || code) return;
    self->written_ = true;
    self->last_activity_ = bench::monotonic_ns();
  });
  read();
}

void Exchange::read() {
  connection_->async_wait(Tcp::socket::wait_read, [self = shared_from_this()](const error_code& code) {
    if (self->over_) return;
    if (code) return self->ended_by_peer(code.message());
    for (int i = 0; i < kReadsPerTurn; ++i) {
      iovec piece{self->state_.buffer.data(), self->state_.buffer.size()};
      alignas(cmsghdr) std::array<char, 256> control;
      msghdr message{};
      message.msg_iov = &piece;
      message.msg_iovlen = 1;
      message.msg_control = control.data();
      message.msg_controllen = control.size();
      const ssize_t got = ::recvmsg(self->connection_->native_handle(), &message, MSG_DONTWAIT);
      const Nanos read_at = bench::monotonic_ns();
      if (got < 0 && errno == EINTR) continue;
      if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
      if (got < 0) return self->ended_by_peer(errno_text(errno));
      if (got == 0) return self->ended_by_peer({});
      if (!self->take(static_cast<std::size_t>(got), self->arrival(message, read_at))) return;
      // There is no more data at present.
      if (static_cast<std::size_t>(got) < self->state_.buffer.size()) break;
    }
    self->read();
  });
}

/// Returns when these bytes arrived: the kernel's time stamp, converted from CLOCK_REALTIME to
/// CLOCK_MONOTONIC.
Nanos Exchange::arrival(const msghdr& message, Nanos read_at) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(const_cast<msghdr*>(&message), part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SO_TIMESTAMPNS) continue;
    timespec stamp{};
    std::memcpy(&stamp, CMSG_DATA(part), sizeof stamp);
    const Nanos real = Nanos{stamp.tv_sec} * 1'000'000'000 + stamp.tv_nsec;
    const Nanos at = read_at - (bench::clock_ns(CLOCK_REALTIME) - real);
    state_.report.kernel_stamps = true;
    return std::clamp(at, std::min(last_activity_, read_at), read_at);
  }
  return read_at;
}

bool Exchange::take(std::size_t bytes, Nanos at) {
  last_activity_ = at;
  const bool more = reader_->feed({state_.buffer.data(), bytes}, at);
  state_.report.read_lag.add(bench::monotonic_ns() - at);
  if (!more) finish();
  return more;
}

void Exchange::ended_by_peer(const std::string& error) {
  if (reused_ && !reader_->begun()) {
    ++state_.report.stale_connections;
    connection_.reset();
    return connect();
  }
  reader_->end_of_stream(bench::monotonic_ns());
  if (record_.failure == Failure::Cut && !error.empty()) record_.error += " (" + error + ")";
  finish();
}

void Exchange::fail_with(Failure kind, const std::string& error) {
  set_failure(record_, kind, error);
  finish();
}

void Exchange::finish() {
  over_ = true;
  timer_.cancel();
  if (!record_.failure && written_ && reader_->reusable()) {
    state_.idle.push_back(std::move(connection_));
  } else {
    connection_.reset();
  }
  done_(*this);
}

void Exchange::abandon() {
  over_ = true;
  timer_.cancel();
  connection_.reset();
}

// ---- time

std::optional<std::string> Exchange::overdue(Nanos now) const {
  const Options& options = state_.setup.options;
  if (connecting_ && now >= record_.sent + nanos(options.connect_timeout))
    return "no connection within " + seconds_text(options.connect_timeout);
  if (now >= record_.sent + nanos(options.request_timeout))
    return "the response did not end within " + seconds_text(options.request_timeout);
  if (!connecting_ && now >= last_activity_ + nanos(options.stall_timeout))
    return "no data received for " + seconds_text(options.stall_timeout);
  return std::nullopt;
}

/// Sets the timer to the earliest time at which a limit may be exceeded. Received bytes extend the limit but
/// do not reset the timer, so a token causes no timer operation.
void Exchange::watch_time_limits() {
  const Options& options = state_.setup.options;
  const Nanos limit = connecting_ ? record_.sent + nanos(options.connect_timeout)
                                  : last_activity_ + nanos(options.stall_timeout);
  timer_.expires_at(steady(std::min(limit, record_.sent + nanos(options.request_timeout))));
  timer_.async_wait([self = shared_from_this()](const error_code& code) {
    if (code || self->over_) return;
    const auto why = self->overdue(bench::monotonic_ns());
    if (!why) return self->watch_time_limits();
    self->fail_with(self->connecting_ ? Failure::Refused : Failure::Stalled, *why);
  });
}

}  // namespace sweep::client
