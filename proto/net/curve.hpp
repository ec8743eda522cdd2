// CURVE keys, the authentication of connections, and reports of refused ones.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <zmq.hpp>

#include "proto/net/socket_monitor.hpp"
#include "util/error.hpp"

namespace sweep {

/// A CURVE key pair, both Z85-encoded, 40 characters each.
struct KeyPair {
  std::string public_key, secret_key;
};

/// Returns a new random key pair.
KeyPair make_key_pair();

/// Returns the public key that belongs to `secret_key`. Returns an error if that is not 40 characters of Z85.
Expected<std::string> public_key_of(const std::string& secret_key);

/// Called for a refused connection. `from`: its address ("10.0.0.7", "10.0.0.7:41200"), or a text that it is
/// unknown. `why`: the reason, for people.
using RefusalHandler = std::function<void(const std::string& from, const std::string& why)>;

/// Implements ZeroMQ's authentication (RFC 27, ZAP) for all sockets of a context: accepts one client key and
/// refuses all others. Each accepted connection gets a unique number as its "user id", which ZeroMQ attaches
/// to every message of the connection. A peer can choose its routing id, but not this number.
class KeyAuthenticator {
 public:
  /// Create it before any socket of `context` is bound. `client_public_key` is Z85.
  KeyAuthenticator(zmq::context_t& context, const std::string& client_public_key,
                   RefusalHandler on_refused = {});

  zmq::socket_ref socket() { return socket_; }
  /// Answers all pending requests. Never blocks.
  void answer();
  /// Returns the number of refused connections.
  std::uint64_t refused() const { return refused_; }

 private:
  zmq::socket_t socket_;
  std::string allowed_;  // 32 raw bytes
  RefusalHandler on_refused_;
  std::uint64_t refused_ = 0, admitted_ = 0;
};

/// Finds the connections to a server's socket that end before their handshake has succeeded, from ZeroMQ's
/// events. Pure. ZeroMQ reports that a handshake succeeded, but not on which connection. So if many peers
/// connect at once, a failed one may be reported late and with another one's address; the total number is
/// right. Keeps one entry per open connection.
class HandshakeBook {
 public:
  void accepted(int connection, std::string from);
  void succeeded();
  /// `why` it failed; disconnected() follows for the same connection.
  void failed(std::string why);
  /// A connection that ended during the handshake.
  struct Stranger {
    std::string from, why;
  };
  /// Returns the connection if it ended during the handshake; std::nullopt if the handshake had succeeded, or
  /// if KeyAuthenticator has reported the failure.
  std::optional<Stranger> disconnected(int connection);
  std::size_t open() const { return from_.size(); }

 private:
  void settle();

  std::map<int, std::string> from_;  // open connections
  std::set<int> unknown_;            // open connections that may still be in the handshake
  std::size_t through_ = 0;          // how many of these have succeeded
  std::optional<std::string> failure_;
};

/// Watches the handshakes at a server's socket and reports peers that do not speak ZeroMQ or CURVE, or that
/// send nothing. ZeroMQ does not ask KeyAuthenticator about those.
class HandshakeWatch {
 public:
  HandshakeWatch(zmq::context_t& context, zmq::socket_ref server, RefusalHandler on_refused);

  /// Returns a socket that is readable when there is an event.
  zmq::socket_ref socket() { return monitor_.socket(); }
  /// Processes all pending events. Never blocks.
  void take();
  std::uint64_t refused() const { return refused_; }
  std::size_t open() const { return book_.open(); }

 private:
  SocketMonitor monitor_;
  RefusalHandler on_refused_;
  HandshakeBook book_;
  std::uint64_t refused_ = 0;
};

}  // namespace sweep
