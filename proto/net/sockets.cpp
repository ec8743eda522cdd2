#include "proto/net/sockets.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <random>
#include <zmq_addon.hpp>

#include "util/os/files.hpp"

namespace sweep {

namespace {

// The largest frame that ZeroMQ accepts from a peer; the codec has stricter limits.
constexpr std::int64_t kMaxFrame = static_cast<std::int64_t>(wire::kMaxBulkBytes);
// A connection is closed if the other side's TCP stack has not answered for 30 + 3 * 10 s.
constexpr int kTcpKeepaliveIdleS = 30;
constexpr int kTcpKeepaliveIntervalS = 10;
constexpr int kTcpKeepaliveProbes = 3;
// Interval of ZeroMQ's own pings, and the time without an answer after which the connection counts as cut.
// With these an agent detects that the controller's machine is gone or its process is stuck. The controller
// sends no pings: it detects silent agents by their heartbeats, and libzmq searches all timers of a thread
// for each connection that sends something (cancel_timer in poller_base.cpp), which with 1,000 agents costs
// more than everything else.
constexpr int kPingMs = 10'000;
constexpr int kPingTimeoutMs = 30'000;
// How long a closing socket may still deliver messages.
constexpr int kLingerMs = 2000;
constexpr int kQueue = 100'000;
// Wait between two attempts to connect: the first one (up to twice this value), and the longest.
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
    // Only the first frame can fail with EAGAIN; ZeroMQ accepts the rest of a message that it has begun.
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
  // IPv4 only if there is no IPv6.
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
  socket.set(zmq::sockopt::router_mandatory, true);  // sending to a peer that is gone returns an error
  socket.set(zmq::sockopt::router_handover, true);   // a peer that reconnects replaces its old connection
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
  socket.set(zmq::sockopt::use_fd,
             listening.release());  // ZeroMQ closes it; of the address below only "tcp" matters
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
    // A controller that restarts within a second must be found soon, but not by all agents at the same
    // moment. ZeroMQ doubles the wait from the first to the longest value. Its own jitter is not sufficient:
    // libzmq up to 4.3.4 adds less than the first wait to each, 4.3.5 and later add none if there is a
    // longest wait (get_new_reconnect_ivl in stream_connecter_base.cpp). So each process uses a random first
    // wait, which the doubling spreads.
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
