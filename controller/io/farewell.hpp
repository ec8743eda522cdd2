// Answers agents in place of a controller that is not coming back, so that they leave at once. To an agent a
// controller that is gone for a while and one that is gone for good look alike: it waits for `timeouts.away`
// unless it gets an answer.
//
// The answer to every message is Reject, with the reason: an agent then stops its benchmarks, keeps what the
// controller has not acknowledged in its spool, and ends; sweepctl status and cancel print the reason.
// Nothing is read from the output directory, whose state may be why the controller is gone.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "proto/net/curve.hpp"
#include "proto/net/event_loop.hpp"
#include "proto/net/sockets.hpp"
#include "util/error.hpp"
#include "util/os/fd.hpp"

namespace sweep {

class Farewell {
 public:
  /// Listens on `listening`, with the controller's keys, until it is destroyed. It must outlive `loop`. Fails
  /// with the reason if it cannot listen.
  static Expected<std::unique_ptr<Farewell>> open(EventLoop& loop, Fd listening, const KeyPair& server_keys,
                                                  const std::string& client_public_key, std::string reason);
  Farewell(const Farewell&) = delete;
  Farewell& operator=(const Farewell&) = delete;
  int port() const { return socket_->port(); }

 private:
  Farewell(const std::string& client_public_key, std::string reason)
      : authenticator_(context_, client_public_key), reason_(std::move(reason)) {}
  void answer();

  zmq::context_t context_;
  KeyAuthenticator authenticator_;
  std::optional<ServerSocket> socket_;
  std::string reason_;
};

}  // namespace sweep
