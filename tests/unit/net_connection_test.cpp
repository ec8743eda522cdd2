// proto/net/connection: events of a client's connection, over real TCP and CURVE.
#include <gtest/gtest.h>

#include <memory>

#include "proto/net/sockets.hpp"
#include "tests/unit/net_loop.hpp"

namespace sweep {
namespace {

/// A controller's socket with its own context, so that the port is closed when it is destroyed.
struct Listener {
  Listener(const std::string& address, const KeyPair& keys, const std::string& client_key)
      : authenticator(context, client_key), server(ServerSocket::listen(context, address, keys)) {}
  zmq::context_t context;
  KeyAuthenticator authenticator;
  Expected<ServerSocket> server;
};

class Connection : public testing::Test {
 protected:
  void SetUp() override { listen("tcp://127.0.0.1:*"); }

  void listen(const std::string& address) {
    controller_ = std::make_unique<Listener>(address, server_keys_, client_keys_.public_key);
    ASSERT_TRUE(controller_->server) << controller_->server.error().message;
    endpoint_ = "tcp://127.0.0.1:" + std::to_string(controller_->server->port());
  }

  ClientSocket client(const std::string& server_key, const std::string& secret) {
    auto socket = ClientSocket::connect(context_, endpoint_, server_key, secret);
    EXPECT_TRUE(socket) << socket.error().message;
    return std::move(*socket);
  }
  ClientSocket client() { return client(server_keys_.public_key, client_keys_.secret_key); }

  /// Returns the next event; std::nullopt after kPatience.
  std::optional<ConnectionEvent> next(ClientSocket& socket) {
    std::optional<ConnectionEvent> event;
    EventLoop loop;
    if (controller_) {
      loop.watch(controller_->authenticator.socket(), [&] { controller_->authenticator.answer(); });
    }
    loop.watch(socket.connection().socket(), [&] { event = socket.connection().next(); });
    run_until(loop, [&] { return event.has_value(); });
    return event;
  }

  zmq::context_t context_;
  KeyPair server_keys_ = make_key_pair();
  KeyPair client_keys_ = make_key_pair();
  std::unique_ptr<Listener> controller_;
  std::string endpoint_;
};

TEST_F(Connection, UpThenDownThenUpAgain) {
  ClientSocket socket = client();
  EXPECT_FALSE(socket.connection().next());
  ASSERT_EQ(next(socket), ConnectionEvent::Up);
  EXPECT_FALSE(socket.connection().next());
  controller_.reset();
  ASSERT_EQ(next(socket), ConnectionEvent::Down);
  listen(endpoint_);
  ASSERT_EQ(next(socket), ConnectionEvent::Up);
}

TEST_F(Connection, WrongClientKeyIsRefused) {
  ClientSocket socket = client(server_keys_.public_key, make_key_pair().secret_key);
  EXPECT_EQ(next(socket), ConnectionEvent::Refused);
}

TEST_F(Connection, WrongServerKeyIsDownNotRefused) {
  ClientSocket socket = client(make_key_pair().public_key, client_keys_.secret_key);
  EXPECT_EQ(next(socket), ConnectionEvent::Down);
}

TEST_F(Connection, EachClientGetsItsOwnEvents) {
  ClientSocket good = client();
  ClientSocket stranger = client(server_keys_.public_key, make_key_pair().secret_key);
  EXPECT_EQ(next(stranger), ConnectionEvent::Refused);
  EXPECT_EQ(next(good), ConnectionEvent::Up);
}

}  // namespace
}  // namespace sweep
