// The sockets of the protocol: the controller's ROUTER and an agent's DEALER, both with CURVE. They send and
// receive the messages of proto/wire and never block.
#pragma once

#include <optional>
#include <string>
#include <zmq.hpp>

#include "proto/net/connection.hpp"
#include "proto/net/curve.hpp"
#include "proto/wire/codec.hpp"
#include "util/os/fd.hpp"

namespace sweep {

/// Returns a TCP socket that listens on a free port of all addresses, IPv6 and IPv4. Returns an error with
/// the reason.
Expected<Fd> listening_socket();

/// A received message, or why it could not be decoded.
struct Incoming {
  std::string peer;  // ROUTER only: the routing id of the connection, which the peer chose
  tl::expected<wire::Envelope, wire::DecodeError> content;
  std::string connection = {};  // ROUTER only: the number that KeyAuthenticator gave the connection
};

class ServerSocket {
 public:
  /// Listens on `address` (tcp://*:* for a free port). Returns an error that names the address.
  static Expected<ServerSocket> listen(zmq::context_t& context, const std::string& address,
                                       const KeyPair& keys);
  /// Uses a TCP socket that is already listening, so that the port can outlive this process.
  static Expected<ServerSocket> listen(zmq::context_t& context, Fd listening, const KeyPair& keys);

  zmq::socket_ref socket() { return socket_; }
  int port() const { return port_; }

  /// Returns the next message; std::nullopt if there is none now.
  std::optional<Incoming> receive();
  /// Returns false if the peer is gone or its queue is full; the message is then dropped.
  bool send(const std::string& peer, const wire::Message& message, std::string_view bulk = {});

 private:
  static Expected<ServerSocket> bind(zmq::socket_t socket, const std::string& address);
  explicit ServerSocket(zmq::socket_t socket) : socket_(std::move(socket)) {}
  zmq::socket_t socket_;
  int port_ = 0;
};

class ClientSocket {
 public:
  /// Starts to connect; ZeroMQ connects and reconnects in the background. Returns an error if the address or
  /// the key is not valid. With an `identity` that is unique among the controller's peers, the controller
  /// sees the same peer after a reconnect.
  static Expected<ClientSocket> connect(zmq::context_t& context, const std::string& endpoint,
                                        const std::string& server_key, const std::string& client_secret,
                                        const std::string& identity = {});

  zmq::socket_ref socket() { return socket_; }
  /// Returns the events of the connection, from the first attempt on.
  ConnectionMonitor& connection() { return connection_; }

  /// Returns the next message; std::nullopt if there is none now.
  std::optional<Incoming> receive();
  /// Returns false if the queue to the controller is full; the message is then dropped.
  bool send(const wire::Message& message, std::string_view bulk = {});

 private:
  ClientSocket(zmq::socket_t socket, ConnectionMonitor connection)
      : socket_(std::move(socket)), connection_(std::move(connection)) {}
  zmq::socket_t socket_;
  ConnectionMonitor connection_;
};

}  // namespace sweep
