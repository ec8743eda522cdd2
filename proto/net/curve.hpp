// CURVE keys, who may connect, and who tried to and may not.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <zmq.hpp>

#include "proto/net/socket_news.hpp"
#include "util/error.hpp"

namespace sweep {

/// A CURVE key pair, both Z85-encoded, 40 characters each.
struct KeyPair {
  std::string public_key, secret_key;
};

/// A new key pair from the system's random numbers.
KeyPair make_key_pair();

/// The public key that belongs to `secret_key`. Fails when that is not 40 characters of Z85.
Expected<std::string> public_key_of(const std::string& secret_key);

/// What is told of a connection that was refused: from where ("10.0.0.7", "10.0.0.7:41200", or that this
/// cannot be told) and why, for people.
using RefusalHandler = std::function<void(const std::string& from, const std::string& why)>;

/// Answers ZeroMQ's question "may this key connect?" (RFC 27, ZAP) for every socket of a context: yes for one
/// client key, no for everything else. Each connection that may gets a number of its own as its "user id",
/// which ZeroMQ notes on every message that comes over it: a peer chooses its routing id, but not that.
class KeyAuthenticator {
 public:
  /// Must be made before any socket of `context` is bound. `client_public_key` is Z85.
  KeyAuthenticator(zmq::context_t& context, const std::string& client_public_key,
                   RefusalHandler on_refused = {});

  zmq::socket_ref socket() { return socket_; }
  /// Answers what is waiting. Never blocks.
  void answer();
  /// How many connections were refused so far.
  std::uint64_t refused() const { return refused_; }

 private:
  zmq::socket_t socket_;
  std::string allowed_;  // 32 raw bytes
  RefusalHandler on_refused_;
  std::uint64_t refused_ = 0, admitted_ = 0;
};

/// Which connections to a server's socket end without having got through the handshake, from what ZeroMQ
/// tells of them. Pure. ZeroMQ does not say which connection got through, only that one did. So in a crowd a
/// stranger may be told of late and under another's address; in the end there are as many as there were.
/// Keeps one entry per open connection.
class HandshakeBook {
 public:
  void accepted(int connection, std::string from);
  void succeeded();
  /// `why` it failed; disconnected() follows for the same connection.
  void failed(std::string why);
  /// What there is to tell of this end: nothing for one that got through, or whose failure was told
  /// elsewhere.
  struct Stranger {
    std::string from, why;
  };
  std::optional<Stranger> disconnected(int connection);
  std::size_t open() const { return from_.size(); }

 private:
  void settle();

  std::map<int, std::string> from_;  // open connections
  std::set<int> unknown_;            // those of them that may still be in the handshake
  std::size_t through_ = 0;          // how many of these are known to be through
  std::optional<std::string> failure_;
};

/// Watches the handshakes at a server's socket, and tells of peers that do not speak ZeroMQ, or not with
/// CURVE, or that say nothing: with those the Doorman is never asked.
class HandshakeWatch {
 public:
  HandshakeWatch(zmq::context_t& context, zmq::socket_ref server, RefusalHandler on_refused);

  /// Readable when there is news.
  zmq::socket_ref socket() { return news_.socket(); }
  /// Takes what is waiting. Never blocks.
  void take();
  std::uint64_t refused() const { return refused_; }
  std::size_t open() const { return book_.open(); }

 private:
  SocketNews news_;
  RefusalHandler on_refused_;
  HandshakeBook book_;
  std::uint64_t refused_ = 0;
};

}  // namespace sweep
