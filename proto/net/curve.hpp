// CURVE keys and the handler that decides who may connect.
#pragma once

#include <cstdint>
#include <string>
#include <zmq.hpp>

#include "proto/base/error.hpp"

namespace sweep {

/// A CURVE key pair, both Z85-encoded, 40 characters each.
struct KeyPair {
  std::string public_key, secret_key;
};

/// A new key pair from the system's random numbers.
KeyPair make_key_pair();

/// The public key that belongs to `secret_key`. Fails when that is not 40 characters of Z85.
Expected<std::string> public_key_of(const std::string& secret_key);

/// Answers ZeroMQ's question "may this key connect?" (RFC 27, ZAP) for every socket of a context: yes for one
/// client key, no for everything else.
class Doorman {
 public:
  /// Must be made before any socket of `context` is bound. `client_public_key` is Z85.
  Doorman(zmq::context_t& context, const std::string& client_public_key);

  zmq::socket_ref socket() { return socket_; }
  /// Answers what is waiting. Never blocks.
  void answer();
  /// How many connections were refused so far.
  std::uint64_t refused() const { return refused_; }

 private:
  zmq::socket_t socket_;
  std::string allowed_;  // 32 raw bytes
  std::uint64_t refused_ = 0;
};

}  // namespace sweep
