#include "proto/net/sockets.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <random>
#include <zmq_addon.hpp>

#include "util/os/files.hpp"

namespace sweep {

namespace {

// What a peer may make ZeroMQ allocate for one frame before the codec sees it.
constexpr std::int64_t kMaxFrame = static_cast<std::int64_t>(wire::kMaxBulkBytes);
// A connection is given up when the other side's TCP stack has not answered for 30 + 3 * 10 s.
constexpr int kTcpKeepaliveIdleS = 30;
constexpr int kTcpKeepaliveIntervalS = 10;
constexpr int kTcpKeepaliveProbes = 3;
// ZeroMQ's own ping, and after how long without any answer the connection counts as cut: tells an agent that
// the controller's machine is gone, or that its process is stuck. The controller's side sends none: leases
// and Heartbeat tell it who is silent, and libzmq searches all timers of a thread for each connection that
// says something (cancel_timer in poller_base.cpp), which costs more than all else with 1,000 agents.
constexpr int kPingMs = 10'000;
constexpr int kPingTimeoutMs = 30'000;
// How long a closing socket may still deliver what was sent.
constexpr int kLingerMs = 2000;
constexpr int kQueue = 100'000;
// Between two attempts to connect: the first (and up to twice that), the longest.
constexpr int kFirstWaitMs = 100;
constexpr int kLongestWaitMs = 2'000;

void set_common(zmq::socket_t& socket) {
  socket.set(zmq::sockopt::maxmsgsize, kMaxFrame);
  socket.set(zmq::sockopt::linger, kLingerMs);
  socket.set(zmq::sockopt::ipv6, true);
  socket.set(zmq::sockopt::sndhwm, kQueue);
  socket.set(zmq::sockopt::rcvhwm, kQueue);
  socket.set(zmq::sockopt::tcp_keepalive, 1);
  socket.set(zmq::sockopt::tcp_keepalive_idle, kTcpKeepaliveIdleS);
  socket.set(zmq::sockopt::tcp_keepalive_intvl, kTcpKeepaliveIntervalS);
  socket.set(zmq::sockopt::tcp_keepalive_cnt, kTcpKeepaliveProbes);
}

bool send_frames(zmq::socket_t& socket, const std::vector<std::string>& frames) {
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const auto more = i + 1 < frames.size() ? zmq::send_flags::sndmore : zmq::send_flags::none;
    // Only the first frame can be refused; the rest of a message follows its head.
    if (!socket.send(zmq::buffer(frames[i]), more | zmq::send_flags::dontwait)) return false;
  }
  return true;
}

std::optional<Incoming> receive_frames(zmq::socket_t& socket, bool has_peer) {
  std::vector<zmq::message_t> frames;
  if (!zmq::recv_multipart(socket, std::back_inserter(frames), zmq::recv_flags::dontwait))
    return std::nullopt;
  const std::size_t first = has_peer ? 1 : 0;
  std::vector<std::string_view> views;
  for (std::size_t i = first; i < frames.size(); ++i)
    views.push_back(frames[i].to_string_view());
  Incoming out{has_peer ? frames[0].to_string() : std::string(), wire::decode(views)};
  const char* user =
      has_peer && frames.size() > first ? ::zmq_msg_gets(frames[first].handle(), "User-Id") : nullptr;
  if (user != nullptr) out.connection = user;
  return out;
}

}  // namespace

Expected<Fd> listening_socket() {
  constexpr int kBacklog = 4096;
  // Where there is no IPv6, IPv4 alone.
  for (const int family : {AF_INET6, AF_INET}) {
    Fd fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd.open()) continue;
    const int off = 0;
    if (family == AF_INET6) ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    sockaddr_storage any{};
    any.ss_family = static_cast<sa_family_t>(family);
    const socklen_t size = family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
    if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&any), size) == 0 && ::listen(fd.get(), kBacklog) == 0)
      return fd;
  }
  return fail("cannot listen on any TCP port: " + errno_text(errno));
}

namespace {

zmq::socket_t router(zmq::context_t& context, const KeyPair& keys) {
  zmq::socket_t socket(context, zmq::socket_type::router);
  set_common(socket);
  socket.set(zmq::sockopt::router_mandatory, true);  // sending to a peer that is gone is an error we see
  socket.set(zmq::sockopt::router_handover, true);   // a peer that connects again takes its old place
  socket.set(zmq::sockopt::curve_server, true);
  socket.set(zmq::sockopt::curve_secretkey, keys.secret_key);
  socket.set(zmq::sockopt::zap_domain, "sweep");
  return socket;
}

}  // namespace

Expected<ServerSocket> ServerSocket::bind(zmq::socket_t socket, const std::string& address) {
  try {
    socket.bind(address);
    ServerSocket out(std::move(socket));
    const std::string bound = out.socket_.get(zmq::sockopt::last_endpoint);
    out.port_ = std::stoi(bound.substr(bound.rfind(':') + 1));
    return out;
  } catch (const zmq::error_t& error) {
    return fail("cannot listen on " + address + ": " + error.what());
  }
}

Expected<ServerSocket> ServerSocket::listen(zmq::context_t& context, const std::string& address,
                                            const KeyPair& keys) {
  return bind(router(context, keys), address);
}

Expected<ServerSocket> ServerSocket::listen(zmq::context_t& context, Fd listening, const KeyPair& keys) {
  zmq::socket_t socket = router(context, keys);
  socket.set(zmq::sockopt::use_fd, listening.release());  // ZeroMQ closes it; the address below only says TCP
  return bind(std::move(socket), "tcp://*:*");
}

std::optional<Incoming> ServerSocket::receive() {
  return receive_frames(socket_, true);
}

bool ServerSocket::send(const std::string& peer, const wire::Message& message, std::string_view bulk) {
  std::vector<std::string> frames = wire::encode(message, bulk);
  frames.insert(frames.begin(), peer);
  try {
    return send_frames(socket_, frames);
  } catch (const zmq::error_t&) {  // EHOSTUNREACH: the peer has left
    return false;
  }
}

Expected<ClientSocket> ClientSocket::connect(zmq::context_t& context, const std::string& endpoint,
                                             const std::string& server_key, const std::string& client_secret,
                                             const std::string& identity) {
  SWEEP_ASSIGN(const auto client_public, public_key_of(client_secret));
  try {
    zmq::socket_t socket(context, zmq::socket_type::dealer);
    set_common(socket);
    socket.set(zmq::sockopt::heartbeat_ivl, kPingMs);
    socket.set(zmq::sockopt::heartbeat_timeout, kPingTimeoutMs);
    socket.set(zmq::sockopt::curve_serverkey, server_key);
    socket.set(zmq::sockopt::curve_publickey, client_public);
    socket.set(zmq::sockopt::curve_secretkey, client_secret);
    if (!identity.empty()) socket.set(zmq::sockopt::routing_id, identity);
    // A controller that is back within a second is found soon, and not by all agents at once. ZeroMQ doubles
    // its wait from the first to the longest. Jitter of its own: libzmq up to 4.3.4 adds less than the first
    // wait to each, 4.3.5 and later add none where there is a longest (get_new_reconnect_ivl in
    // stream_connecter_base.cpp); so each process takes a first wait of its own, which the doubling spreads.
    socket.set(zmq::sockopt::reconnect_ivl,
               kFirstWaitMs + static_cast<int>(std::random_device()() % kFirstWaitMs));
    socket.set(zmq::sockopt::reconnect_ivl_max, kLongestWaitMs);
    ConnectionMonitor connection(context, socket);
    socket.connect(endpoint);
    return ClientSocket(std::move(socket), std::move(connection));
  } catch (const zmq::error_t& error) {
    return fail("cannot connect to " + endpoint + ": " + error.what());
  }
}

std::optional<Incoming> ClientSocket::receive() {
  return receive_frames(socket_, false);
}

bool ClientSocket::send(const wire::Message& message, std::string_view bulk) {
  return send_frames(socket_, wire::encode(message, bulk));
}

}  // namespace sweep
