// The two ends of the wire: the controller's ROUTER and an agent's DEALER, both with CURVE, speaking the
// messages of proto/wire. Neither ever blocks.
#pragma once

#include <optional>
#include <string>
#include <zmq.hpp>

#include "proto/net/connection.hpp"
#include "proto/net/curve.hpp"
#include "proto/wire/codec.hpp"
#include "util/os/fd.hpp"

namespace sweep {

/// A TCP socket that listens on a free port of all addresses, IPv6 and IPv4. Fails with the reason.
Expected<Fd> listening_socket();

/// What came in: a message, or the reason why it was none.
struct Incoming {
  std::string peer;  // ROUTER only: the routing id of the connection it came from, which the peer chose
  tl::expected<wire::Envelope, wire::DecodeError> content;
  std::string connection = {};  // ROUTER only: the number that the Doorman gave that connection
};

class ServerSocket {
 public:
  /// Listens on `address` (tcp://*:* for a free port). Fails, naming the address, when it cannot be had.
  static Expected<ServerSocket> listen(zmq::context_t& context, const std::string& address,
                                       const KeyPair& keys);
  /// Listens on a TCP socket that listens already: a port that outlives the process that answers there.
  static Expected<ServerSocket> listen(zmq::context_t& context, Fd listening, const KeyPair& keys);

  zmq::socket_ref socket() { return socket_; }
  int port() const { return port_; }

  std::optional<Incoming> receive();
  /// False when the peer is gone or cannot take more; the message is then dropped.
  bool send(const std::string& peer, const wire::Message& message, std::string_view bulk = {});

 private:
  static Expected<ServerSocket> bind(zmq::socket_t socket, const std::string& address);
  explicit ServerSocket(zmq::socket_t socket) : socket_(std::move(socket)) {}
  zmq::socket_t socket_;
  int port_ = 0;
};

class ClientSocket {
 public:
  /// Connects (ZeroMQ does so, and again when cut, by itself). Fails on an address or key that is none.
  /// With an `identity`, unique among the controller's peers and not empty, a connection that was cut and
  /// made again is the same peer to the controller.
  static Expected<ClientSocket> connect(zmq::context_t& context, const std::string& endpoint,
                                        const std::string& server_key, const std::string& client_secret,
                                        const std::string& identity = {});

  zmq::socket_ref socket() { return socket_; }
  /// News of the connection, from its first attempt on.
  ConnectionMonitor& connection() { return connection_; }

  std::optional<Incoming> receive();
  /// False when the queue towards the controller is full; the message is then dropped.
  bool send(const wire::Message& message, std::string_view bulk = {});

 private:
  ClientSocket(zmq::socket_t socket, ConnectionMonitor connection)
      : socket_(std::move(socket)), connection_(std::move(connection)) {}
  zmq::socket_t socket_;
  ConnectionMonitor connection_;
};

}  // namespace sweep
