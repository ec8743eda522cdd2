#include "benchmarks/sweep-simserver/io/relay.hpp"

#include "benchmarks/sweep-simserver/core/stream_relay.hpp"
#include "benchmarks/sweep-simserver/io/pending.hpp"

namespace sweep::sim_server {

namespace {

Answer bad_gateway(const std::string& message) {
  return error_answer({.status = 502, .type = "worker_lost", .message = message, .param = ""});
}

class Relay final : public Pending, public std::enable_shared_from_this<Relay> {
 public:
  Relay(Router& router, std::shared_ptr<Connection> connection, RoutedRequest request, std::size_t worker)
      : router_(router),
        connection_(std::move(connection)),
        request_(std::move(request)),
        worker_(worker),
        stream_(request_.chunked) {}

  void start(std::optional<std::size_t> prefill) {
    if (!prefill) return generate();
    const auto self = shared_from_this();
    call_ = router_.call(
        *prefill, request_bytes(request_.method, request_.target, request_.body, false),
        {.body = [self](int, bool, std::string_view bytes) { self->body_ += bytes; },
         .end = [self, at = *prefill](int status,
                                      const std::string& error) { self->prefilled(at, status, error); }});
  }

  void cancel() override {
    if (call_) call_->cancel();
    call_.reset();
    connection_.reset();
  }

 private:
  void prefilled(std::size_t prefill, int status, const std::string& error) {
    if (!error.empty()) return fail(prefill, error);
    if (status != 200)
      return finish(response({.status = status, .body = body_, .allow = ""}, request_.close));
    body_.clear();
    generate();
  }

  void generate() {
    const auto self = shared_from_this();
    call_ =
        router_.call(worker_, request_bytes(request_.method, request_.target, request_.body, false),
                     {.body = [self](int status, bool stream,
                                     std::string_view bytes) { self->receive(status, stream, bytes); },
                      .end = [self](int status, const std::string& error) { self->ended(status, error); }});
  }

  void receive(int status, bool stream, std::string_view bytes) {
    if (status != 200 || !stream) {
      body_ += bytes;
      return;
    }
    std::string out;
    begin_stream(out);
    stream_.add(out, bytes);
    const auto connection = connection_;  // sending may call cancel()
    connection->send(out);
  }

  void begin_stream(std::string& out) {
    if (streaming_) return;
    streaming_ = true;
    out += stream_head("text/event-stream; charset=utf-8", request_.chunked, request_.close);
  }

  void ended(int status, const std::string& error) {
    if (!error.empty()) return fail(worker_, error);
    if (!streaming_) return finish(response({.status = status, .body = body_, .allow = ""}, request_.close));
    std::string out;
    stream_.finish(out);
    finish(out);
  }

  void fail(std::size_t worker, const std::string& error) {
    const std::string message = "the " + router_.workers().label(worker) + " was lost: " + error;
    if (!streaming_) return finish(response(bad_gateway(message), request_.close));
    std::string out;
    stream_.fail(out, message);
    finish(out);
  }

  void finish(const std::string& bytes) {
    const auto connection = std::move(connection_);
    call_.reset();
    const bool close = request_.close || (streaming_ && !request_.chunked);
    if (request_.method == "POST") router_.server().answered(0);
    connection->finish(bytes, close);
  }

  Router& router_;
  std::shared_ptr<Connection> connection_;
  RoutedRequest request_;
  std::size_t worker_;
  StreamRelay stream_;
  std::shared_ptr<Call> call_;
  std::string body_;  // of a response that is not a stream
  bool streaming_ = false;
};

class Reset final : public Pending, public std::enable_shared_from_this<Reset> {
 public:
  Reset(Router& router, std::shared_ptr<Connection> connection, bool close)
      : router_(router), connection_(std::move(connection)), close_(close) {}

  void start(const RoutedRequest& request) {
    const auto self = shared_from_this();
    waiting_ = router_.workers().size();
    for (std::size_t i = 0; i < router_.workers().size(); ++i)
      calls_.push_back(router_.call(i, request_bytes(request.method, request.target, request.body, false),
                                    {.body = {}, .end = [self, i](int status, const std::string& error) {
                                       self->ended(i, status, error);
                                     }}));
  }

  void cancel() override {
    for (const auto& call : calls_)
      call->cancel();
    calls_.clear();
    connection_.reset();
  }

 private:
  void ended(std::size_t worker, int status, const std::string& error) {
    if (error_.empty() && (status != 200 || !error.empty()))
      error_ = "the " + router_.workers().label(worker) +
               " was not reset: " + (error.empty() ? "status " + std::to_string(status) : error);
    if (--waiting_ > 0) return;
    const auto connection = std::move(connection_);
    calls_.clear();
    const std::string count = std::to_string(router_.workers().size());
    const Answer done{200, R"({"status":"ok","workers":)" + count + R"(,"simulated":true})", ""};
    connection->finish(response(error_.empty() ? done : bad_gateway(error_), close_), close_);
  }

  Router& router_;
  std::shared_ptr<Connection> connection_;
  bool close_;
  std::vector<std::shared_ptr<Call>> calls_;
  std::size_t waiting_ = 0;
  std::string error_;  // of the first worker that failed
};

}  // namespace

void start_relay(Router& router, const std::shared_ptr<Connection>& connection, RoutedRequest request,
                 std::optional<std::size_t> prefill, std::size_t worker) {
  const auto relay = std::make_shared<Relay>(router, connection, std::move(request), worker);
  connection->wait_for(relay);
  relay->start(prefill);
}

void start_reset(Router& router, const std::shared_ptr<Connection>& connection,
                 const RoutedRequest& request) {
  const auto reset = std::make_shared<Reset>(router, connection, request.close);
  connection->wait_for(reset);
  reset->start(request);
}

}  // namespace sweep::sim_server
