#include "benchmarks/sweep-simserver/io/first_rank.hpp"

#include "benchmarks/sweep-simserver/io/log.hpp"
#include "util/text.hpp"

namespace sweep::sim_server {

namespace {

using boost::asio::ip::tcp;
using Code = boost::system::error_code;

}  // namespace

FirstRank::FirstRank(boost::asio::io_context& loop, const Settings& settings, Handlers handlers)
    : settings_(settings),
      handlers_(std::move(handlers)),
      rendezvous_(settings.nnodes, settings.shared_options),
      acceptor_(loop),
      timeout_(loop) {}

std::string FirstRank::address() const {
  Code ignored;
  return settings_.rendezvous_host + ":" + std::to_string(acceptor_.local_endpoint(ignored).port());
}

Expected<void> FirstRank::listen() {
  Code code;
  tcp::resolver resolver(acceptor_.get_executor());
  const auto found = resolver.resolve(settings_.rendezvous_host, std::to_string(settings_.rendezvous_port),
                                      tcp::resolver::passive, code);
  if (!code && !found.empty()) {
    const tcp::endpoint endpoint = found.begin()->endpoint();
    acceptor_.open(endpoint.protocol(), code);
    if (!code) acceptor_.set_option(tcp::acceptor::reuse_address(true), code);
    if (!code) acceptor_.bind(endpoint, code);
    if (!code) acceptor_.listen(tcp::acceptor::max_listen_connections, code);
  }
  if (!code) return {};
  return fail("cannot listen for the other ranks on " + settings_.rendezvous_host + ":" +
              std::to_string(settings_.rendezvous_port) + ": " + code.message() +
              "; give a free port of this machine with --dist-init-addr");
}

void FirstRank::start() {
  log_event("rank 0 of " + std::to_string(settings_.nnodes) + " waits for the others on " + address());
  accept();
  timeout_.expires_after(std::chrono::duration_cast<std::chrono::nanoseconds>(
      std::chrono::duration<double>(settings_.rendezvous_seconds)));
  timeout_.async_wait([this](Code code) {
    if (!code && !stopped_ && !rendezvous_.all_joined())
      fail_all(rendezvous_.timed_out(settings_.rendezvous_seconds, address()));
  });
}

void FirstRank::accept() {
  acceptor_.async_accept([this](Code code, tcp::socket socket) {
    if (stopped_) return;
    if (code) return fail_all("cannot accept a connection of another rank: " + code.message());
    const std::uint64_t id = next_peer_++;
    Peer& peer = peers_[id];
    peer.socket = std::make_shared<LineSocket>(std::move(socket));
    peer.socket->start({.line = [this, id](const std::string& line) { receive(id, line); },
                        .end = [this, id] { lost(id); }});
    accept();
  });
}

void FirstRank::receive(std::uint64_t id, const std::string& line) {
  Peer& peer = peers_.at(id);
  if (peer.rank) {
    if (is_loaded_line(line)) note_loaded(*peer.rank);
    return;
  }
  const auto hello = read_hello(line);
  if (!hello) {
    log_event("ignoring a connection from " + peer.socket->peer() + ": " + hello.error().message);
    peer.socket->close();
    peers_.erase(id);
    return;
  }
  if (const auto good = rendezvous_.join(*hello, peer.socket->peer()); !good)
    return fail_all(good.error().message);
  peer.rank = hello->rank;
  log_event("rank " + std::to_string(hello->rank) + " has joined from " + peer.socket->peer());
  if (!rendezvous_.all_joined()) return;
  timeout_.cancel();
  for (const auto& [other, joined] : peers_)
    joined.socket->send(load_line());
  handlers_.joined();
}

void FirstRank::lost(std::uint64_t id) {
  const auto at = peers_.find(id);
  if (stopped_ || at == peers_.end()) return;
  const auto rank = at->second.rank;
  peers_.erase(at);
  if (rank) fail_all(rendezvous_.lost(*rank));
}

void FirstRank::note_loaded(std::uint32_t rank) {
  rendezvous_.loaded(rank);
  if (rendezvous_.all_loaded()) handlers_.loaded();
}

void FirstRank::fail_all(const std::string& reason) {
  log_event(reason);
  stop(reason, true);
  handlers_.failed(1);
}

void FirstRank::stop(const std::string& reason, bool failed) {
  if (stopped_) return;
  stopped_ = true;
  timeout_.cancel();
  Code ignored;
  acceptor_.close(ignored);
  for (const auto& [id, peer] : peers_) {
    peer.socket->send(end_line(reason, failed));
    peer.socket->close();
  }
}

}  // namespace sweep::sim_server
