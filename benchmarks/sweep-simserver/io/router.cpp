#include "benchmarks/sweep-simserver/io/router.hpp"

#include "benchmarks/sweep-simserver/io/log.hpp"
#include "benchmarks/sweep-simserver/io/relay.hpp"

namespace sweep::sim_server {

namespace {

constexpr std::chrono::milliseconds kHealthInterval{250};

}  // namespace

Router::Router(boost::asio::io_context& loop, const Settings& settings, Server& server)
    : loop_(loop), settings_(settings), server_(server), workers_(settings.workers) {
  if (settings.faults.knows_one_worker_less) {
    log_event("ignoring " + workers_.label(workers_.size() - 1) + " (--fault knows-one-worker-less)");
    workers_.forget_last();
  }
  watches_.resize(workers_.size());
  for (std::size_t i = 0; i < workers_.size(); ++i)
    timers_.emplace_back(loop);
}

Expected<void> Router::resolve() {
  boost::asio::ip::tcp::resolver resolver(loop_);
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    const WorkerAddress& address = workers_.at(i).address;
    boost::system::error_code code;
    const auto found = resolver.resolve(address.host, std::to_string(address.port), code);
    if (code || found.empty())
      return fail("cannot look up the address of the " + workers_.label(i) + ": " + code.message() +
                  "; give the address of its node");
    endpoints_.push_back(found.begin()->endpoint());
  }
  return {};
}

void Router::start() {
  for (std::size_t i = 0; i < workers_.size(); ++i)
    ask(i);
  update();
}

void Router::stop() {
  stopped_ = true;
  for (auto& timer : timers_)
    timer.cancel();
  for (const auto& watch : watches_) {
    if (watch) watch->cancel();
  }
}

std::shared_ptr<Call> Router::call(std::size_t worker, std::string request, Call::Handlers handlers) {
  const auto out =
      std::make_shared<Call>(loop_, endpoints_.at(worker), std::move(request), std::move(handlers));
  out->start();
  return out;
}

// --- watching the workers

void Router::ask(std::size_t worker) {
  watches_[worker] = call(
      worker, request_bytes("GET", "/health", "", true),
      {.body = {},
       .end = [this, worker](int status,
                             const std::string& error) { asked(worker, error.empty() && status == 200); },
       .closed = [this, worker] { lost(worker); }});
}

void Router::asked(std::size_t worker, bool ready) {
  if (stopped_) return;
  if (ready) {
    log_event("registered the " + workers_.label(worker));
    workers_.set_registered(worker, true);
    return update();
  }
  watches_[worker]->cancel();
  timers_[worker].expires_after(kHealthInterval);
  timers_[worker].async_wait([this, worker](boost::system::error_code code) {
    if (!code && !stopped_) ask(worker);
  });
}

void Router::lost(std::size_t worker) {
  if (stopped_) return;
  if (workers_.at(worker).registered)
    log_event("lost the " + workers_.label(worker) +
              ": its connection has ended; /health returns 503 until it is back");
  workers_.set_registered(worker, false);
  update();
  asked(worker, false);
}

void Router::update() {
  server_.set_ready(workers_.all_registered() && !settings_.faults.never_ready);
}

// --- requests

void Router::handle(const std::shared_ptr<Connection>& connection, RoutedRequest request) {
  const auto way = workers_.route(request.method, request.target, server_.served().ready);
  if (const Answer* answer = std::get_if<Answer>(&way)) return connection->answer(*answer, request.close);
  switch (std::get<RouterAction>(way)) {
    case RouterAction::Generate:
      return generate(connection, std::move(request));
    case RouterAction::Forward:
      return forward(connection, std::move(request));
    case RouterAction::Reset:
      return reset(connection, request);
  }
}

void Router::generate(const std::shared_ptr<Connection>& connection, RoutedRequest request) {
  server_.next_number();
  const bool split = workers_.disaggregated();
  const WorkerKind last = split ? WorkerKind::Decode : WorkerKind::Regular;
  const auto prefill = split ? workers_.choose(WorkerKind::Prefill) : std::nullopt;
  if (split && !prefill)
    return connection->answer(Workers::none_registered(WorkerKind::Prefill), request.close);
  const auto worker = workers_.choose(last);
  if (!worker) return connection->answer(Workers::none_registered(last), request.close);
  start_relay(*this, connection, std::move(request), prefill, *worker);
}

void Router::forward(const std::shared_ptr<Connection>& connection, RoutedRequest request) {
  const WorkerKind kind = workers_.disaggregated() ? WorkerKind::Decode : WorkerKind::Regular;
  const auto worker = workers_.first(kind);
  if (!worker) return connection->answer(Workers::none_registered(kind), request.close);
  start_relay(*this, connection, std::move(request), std::nullopt, *worker);
}

void Router::reset(const std::shared_ptr<Connection>& connection, const RoutedRequest& request) {
  if (!workers_.all_registered() || workers_.size() == 0)
    return connection->answer(error_answer({.status = 503,
                                            .type = "service_unavailable",
                                            .message = "not all workers are registered",
                                            .param = ""}),
                              request.close);
  start_reset(*this, connection, request);
}

}  // namespace sweep::sim_server
