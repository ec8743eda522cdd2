#include "benchmarks/sweep-simserver/io/connection.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <ctime>
#include <utility>

#include "benchmarks/monotonic_clock.hpp"
#include "benchmarks/sweep-simserver/io/router.hpp"
#include "benchmarks/sweep-simserver/io/server.hpp"
#include "util/splitmix64.hpp"

namespace sweep::sim_server {

namespace {

namespace http = boost::beast::http;
using boost::asio::ip::tcp;

constexpr std::uint64_t kBodyBytes = 64 << 20;
constexpr std::uint32_t kHeaderBytes = 64 << 10;
constexpr std::size_t kAheadBytes = 1 << 20;    // of further requests that arrive during a response
constexpr std::size_t kUnsentBytes = 64 << 20;  // of a stream whose client does not read
constexpr std::size_t kBurstBytes = 16 << 10;   // written in one go without latency
constexpr std::size_t kKeptBytes = 64 << 10;    // kept capacity of an idle buffer
constexpr std::chrono::seconds kRequestDeadline{60};
constexpr std::chrono::seconds kHangUpDeadline{2};
constexpr std::chrono::milliseconds kEndlessInterval{10};

}  // namespace

Connection::Connection(tcp::socket socket, Server& server)
    : socket_(std::move(socket)), server_(server), timer_(server.loop()) {}

void Connection::start() {
  Code ignored;
  socket_.non_blocking(true, ignored);
  socket_.set_option(tcp::no_delay(true), ignored);
  wait_readable();
}

void Connection::close() {
  if (closed_) return;
  closed_ = true;
  const auto self = shared_from_this();
  server_.cancel(ids_);
  ids_.clear();
  if (pending_) std::exchange(pending_, nullptr)->cancel();
  timer_.cancel();
  Code ignored;
  socket_.close(ignored);
  server_.connection_closed(self);
}

void Connection::set_deadline(std::chrono::seconds after) {
  deadline_set_ = true;
  timer_.expires_after(after);
  timer_.async_wait([self = shared_from_this()](Code code) {
    if (code || self->closed_) return;
    if (self->hanging_up_) return self->close();
    if (!self->exchange_ && !self->pending_)
      self->reject(408, "the request was not complete within a minute");
  });
}

// --- reading

void Connection::wait_readable() {
  if (closed_ || waiting_readable_ || in_.size() > kAheadBytes) return;
  waiting_readable_ = true;
  socket_.async_wait(tcp::socket::wait_read, [self = shared_from_this()](Code code) {
    self->waiting_readable_ = false;
    if (code) return self->close();
    self->readable();
  });
}

void Connection::readable() {
  if (closed_) return;
  Code code;
  const std::size_t bytes = socket_.read_some(boost::asio::buffer(server_.scratch()), code);
  if (code && code != boost::asio::error::would_block && code != boost::asio::error::try_again)
    return close();
  if (!hanging_up_) {
    in_.append(server_.scratch().data(), bytes);
    read_requests();
  }
  wait_readable();
}

void Connection::read_requests() {
  while (!closed_ && !exchange_ && !pending_ && !close_after_ && !hanging_up_ && !in_.empty() && read_one()) {
  }
}

// Passes the input to the parser. Returns false if it needs more.
bool Connection::read_one() {
  if (!parser_) {
    parser_.emplace();
    parser_->body_limit(kBodyBytes);
    parser_->header_limit(kHeaderBytes);
    parser_->eager(true);
    continued_ = false;
  }
  Code code;
  const std::size_t used = parser_->put(boost::asio::buffer(in_), code);
  in_.erase(0, used);
  if (code && code != http::error::need_more) {
    const int status = code == http::error::body_limit ? 413 : code == http::error::header_limit ? 431 : 400;
    reject(status, "cannot parse the request: " + code.message());
    return false;
  }
  if (parser_->is_done()) {
    timer_.cancel();
    deadline_set_ = false;
    handle_request();
    return true;
  }
  if (parser_->is_header_done() && !continued_ && parser_->get()[http::field::expect] == "100-continue") {
    continued_ = true;
    out_ += "HTTP/1.1 100 Continue\r\n\r\n";
    flush();
  }
  if (used > 0 && !in_.empty() && !code) return true;
  if (!deadline_set_) set_deadline(kRequestDeadline);
  return false;
}

void Connection::reject(int status, const std::string& message) {
  parser_.reset();
  in_.clear();
  answer(error_answer({.status = status, .message = message, .param = ""}), true);
}

void Connection::handle_request() {
  const auto& message = parser_->get();
  const bool close = !message.keep_alive();
  const auto method = message.method_string();
  const auto target = message.target();
  if (Router* const router = server_.router()) {
    RoutedRequest request{.method = std::string(method),
                          .target = std::string(target),
                          .body = message.body(),
                          .chunked = message.version() >= 11,
                          .close = close};
    parser_.reset();
    return router->handle(shared_from_this(), std::move(request));
  }
  const auto way = route({method.data(), method.size()}, {target.data(), target.size()}, server_.served());
  if (const Answer* simple = std::get_if<Answer>(&way)) {
    parser_.reset();
    return answer(*simple, close);
  }
  generate(std::get<Endpoint>(way), close);
}

void Connection::generate(Endpoint endpoint, bool close) {
  const std::int64_t received = bench::monotonic_ns();
  const bool chunked = parser_->get().version() >= 11;
  auto generation = read_generation(endpoint, parser_->get().body(), server_.served().model);
  parser_.reset();
  if (!generation) return answer(error_answer(generation.error()), close);
  *generation = part_of(server_.settings().role, std::move(*generation));
  auto ids = server_.submit(shared_from_this(), *generation);
  if (!ids) return answer(error_answer({.status = 400, .message = ids.error().message, .param = ""}), close);
  ids_ = std::move(*ids);

  const Settings& settings = server_.settings();
  const std::uint64_t number = server_.next_number();
  Exchange::Plan plan;
  plan.close = close || (!chunked && generation->stream);
  plan.generation = std::move(*generation);
  plan.head = {endpoint, number, mixed(settings.seed, number), std::time(nullptr), settings.model};
  plan.chunked = chunked;
  plan.fault = fault_of(settings.faults, settings.seed, number);
  if (settings.stamps) plan.received_ns = received;
  exchange_.emplace(std::move(plan));
  exchange_->begin(out_);
  if (exchange_->state() != Exchange::State::Going) return after_tokens();
  if (settings.pace == Pace::Zero) post_burst();
}

// --- writing

void Connection::answer(const Answer& answer, bool close) {
  out_ += response(answer, close);
  close_after_ = close_after_ || close;
  flush();
}

void Connection::send(std::string_view bytes) {
  out_ += bytes;
  if (out_.size() - sent_ > kUnsentBytes) return close();
  flush();
}

void Connection::finish(std::string_view bytes, bool close) {
  const auto self = shared_from_this();
  pending_.reset();
  out_ += bytes;
  close_after_ = close_after_ || close;
  flush();
  handle_next();
}

bool Connection::add_token(const Token& token) {
  tokens_.push_back(token);
  return tokens_.size() == 1;
}

void Connection::deliver() {
  if (closed_ || !exchange_) return tokens_.clear();
  const std::int64_t stamp = server_.settings().stamps ? bench::monotonic_ns() : 0;
  for (const Token& token : tokens_)
    exchange_->token(out_, token.choice, token.index, token.last, stamp);
  tokens_.clear();
  if (out_.size() - sent_ > kUnsentBytes) return close();
  after_tokens();
}

// Sends the buffered bytes and acts on the state of the exchange.
void Connection::after_tokens() {
  const Exchange::State state = exchange_->state();
  if (state == Exchange::State::Going) {
    if (sent_ < out_.size()) flush();
    return;
  }
  server_.cancel(ids_);
  ids_.clear();
  if (state == Exchange::State::Endless) {
    flush();
    return send_endless_line();
  }
  if (state == Exchange::State::Stalled) return flush();
  const std::uint64_t tokens = exchange_->usage().completion_tokens;
  if (state == Exchange::State::Cut) {
    flush();
    close();
    return server_.answered(tokens);
  }
  close_after_ = exchange_->close();
  exchange_.reset();
  flush();
  server_.answered(tokens);
  handle_next();
}

// Handles requests that have arrived during the last one. They are handled from the loop: handling them here
// could recurse without a limit.
void Connection::handle_next() {
  boost::asio::post(server_.loop(), [self = shared_from_this()] {
    self->read_requests();
    self->wait_readable();
  });
}

// Schedules burst() on the loop, so that all streams get their turn.
void Connection::post_burst() {
  if (burst_posted_) return;
  burst_posted_ = true;
  boost::asio::post(server_.loop(), [self = shared_from_this()] {
    self->burst_posted_ = false;
    self->burst();
  });
}

void Connection::burst() {
  if (closed_ || !exchange_ || waiting_writable_) return;
  exchange_->burst(out_, kBurstBytes, server_.settings().stamps ? bench::monotonic_ns() : 0);
  after_tokens();
}

void Connection::send_endless_line() {
  if (closed_) return;
  timer_.expires_after(kEndlessInterval);
  timer_.async_wait([self = shared_from_this()](Code code) {
    if (code || self->closed_ || !self->exchange_) return;
    if (!self->waiting_writable_) {
      self->exchange_->endless(self->out_);
      self->flush();
    }
    self->send_endless_line();
  });
}

void Connection::flush() {
  if (closed_ || waiting_writable_) return;
  while (sent_ < out_.size()) {
    Code code;
    sent_ += socket_.write_some(boost::asio::buffer(out_.data() + sent_, out_.size() - sent_), code);
    if (code == boost::asio::error::would_block || code == boost::asio::error::try_again) {
      waiting_writable_ = true;
      return socket_.async_wait(tcp::socket::wait_write, [self = shared_from_this()](Code waited) {
        self->waiting_writable_ = false;
        if (waited) return self->close();
        self->flush();
      });
    }
    if (code) return close();
  }
  all_sent();
}

void Connection::all_sent() {
  out_.clear();
  sent_ = 0;
  if (out_.capacity() > kKeptBytes) out_.shrink_to_fit();
  if (close_after_) return hang_up();
  const bool more = exchange_ && exchange_->state() == Exchange::State::Going;
  if (more && server_.settings().pace == Pace::Zero) post_burst();
}

// Closes such that the client receives everything: closing with unread input would reset the connection.
void Connection::hang_up() {
  if (hanging_up_) return;
  hanging_up_ = true;
  in_.clear();
  Code ignored;
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
  set_deadline(kHangUpDeadline);
}

}  // namespace sweep::sim_server
