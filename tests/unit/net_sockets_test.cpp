// proto/net/sockets, over real TCP and CURVE in one EventLoop: who can connect, which messages arrive, and
// that peers that leave or misbehave do not disturb others.
#include <gtest/gtest.h>

#include "proto/net/sockets.hpp"
#include "tests/unit/net_loop.hpp"
#include "util/json.hpp"

namespace sweep {
namespace {

wire::Hello hello(const std::string& agent) {
  wire::Hello out;
  out.agent = agent;
  return out;
}

/// A controller's socket and KeyAuthenticator in a loop, with the received messages.
class Sockets : public testing::Test {
 protected:
  void SetUp() override {
    auto server = ServerSocket::listen(context_, "tcp://127.0.0.1:*", server_keys_);
    ASSERT_TRUE(server) << server.error().message;
    server_.emplace(std::move(*server));
    loop_.watch(authenticator_.socket(), [&] { authenticator_.answer(); });
    loop_.watch(server_->socket(), [&] {
      while (auto incoming = server_->receive())
        came_.push_back(std::move(*incoming));
    });
  }

  std::string endpoint() const { return "tcp://127.0.0.1:" + std::to_string(server_->port()); }

  ClientSocket client(const std::string& secret, const std::string& identity = {}) {
    auto socket = ClientSocket::connect(context_, endpoint(), server_keys_.public_key, secret, identity);
    EXPECT_TRUE(socket) << socket.error().message;
    return std::move(*socket);
  }
  ClientSocket client() { return client(client_keys_.secret_key); }

  bool came(std::size_t count) {
    return run_until(loop_, [&] { return came_.size() >= count; });
  }

  /// Returns the next message for `socket`; std::nullopt after kPatience.
  std::optional<Incoming> next(ClientSocket& socket) {
    std::optional<Incoming> got;
    EventLoop loop;
    loop.watch(authenticator_.socket(), [&] { authenticator_.answer(); });
    loop.watch(socket.socket(), [&] { got = socket.receive(); });
    run_until(loop, [&] { return got.has_value(); });
    return got;
  }

  template <class T>
  static const T* message(const Incoming& incoming) {
    return incoming.content ? std::get_if<T>(&incoming.content->message) : nullptr;
  }

  zmq::context_t context_;
  KeyPair server_keys_ = make_key_pair();
  KeyPair client_keys_ = make_key_pair();
  KeyAuthenticator authenticator_{context_, client_keys_.public_key};
  std::optional<ServerSocket> server_;
  EventLoop loop_;
  std::vector<Incoming> came_;
};

TEST(Keys, PublicKeyIsDerivedFromTheSecretKey) {
  const KeyPair one = make_key_pair();
  const KeyPair two = make_key_pair();
  EXPECT_EQ(one.public_key.size(), 40u);
  EXPECT_NE(one.secret_key, two.secret_key);
  EXPECT_EQ(public_key_of(one.secret_key), one.public_key);
  for (const std::string& wrong : {std::string(), one.secret_key.substr(1), one.secret_key + "0",
                                   std::string(40, ' '), std::string(40, '\xff')}) {
    EXPECT_FALSE(public_key_of(wrong)) << wrong;
  }
}

TEST_F(Sockets, RoundTripWithBulk) {
  ClientSocket agent = client();
  const std::string bulk("\0\xff{}\n", 5);
  ASSERT_TRUE(agent.send(hello("12.0.1")));
  ASSERT_TRUE(agent.send(wire::Finished{{"p", 1}, Outcome{}, 5}, bulk));
  ASSERT_TRUE(came(2));
  ASSERT_NE(message<wire::Hello>(came_[0]), nullptr);
  EXPECT_EQ(message<wire::Hello>(came_[0])->agent, "12.0.1");
  ASSERT_NE(message<wire::Finished>(came_[1]), nullptr);
  EXPECT_EQ(came_[1].content->bulk, bulk);
  EXPECT_EQ(came_[1].peer, came_[0].peer);

  ASSERT_TRUE(server_->send(came_[0].peer, wire::Settled{{"p", 1}, true}));
  const auto answer = next(agent);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->peer, "");
  ASSERT_NE(message<wire::Settled>(*answer), nullptr);
  EXPECT_TRUE(message<wire::Settled>(*answer)->accepted);
  EXPECT_EQ(authenticator_.refused(), 0u);
  EXPECT_FALSE(server_->receive());
  EXPECT_FALSE(agent.receive());
}

TEST_F(Sockets, EveryPeerGetsItsOwnAnswers) {
  ClientSocket first = client();
  ClientSocket second = client();
  ASSERT_TRUE(first.send(hello("first")));
  ASSERT_TRUE(second.send(hello("second")));
  ASSERT_TRUE(came(2));
  EXPECT_NE(came_[0].peer, came_[1].peer);
  for (const Incoming& incoming : came_) {
    ASSERT_NE(message<wire::Hello>(incoming), nullptr);
    ASSERT_TRUE(
        server_->send(incoming.peer, wire::Reject{"you are " + message<wire::Hello>(incoming)->agent}));
  }
  const auto to_second = next(second);
  const auto to_first = next(first);
  ASSERT_TRUE(to_first && to_second);
  EXPECT_EQ(message<wire::Reject>(*to_first)->reason, "you are first");
  EXPECT_EQ(message<wire::Reject>(*to_second)->reason, "you are second");
}

TEST_F(Sockets, ClientWithWrongKeyIsRefusedAndCounted) {
  ClientSocket stranger = client(make_key_pair().secret_key);
  stranger.socket().set(zmq::sockopt::linger, 0);  // otherwise closing would wait for delivery
  ASSERT_TRUE(stranger.send(hello("stranger")));   // it only queues
  ASSERT_TRUE(run_until(loop_, [&] { return authenticator_.refused() > 0; }));
  ClientSocket agent = client();
  ASSERT_TRUE(agent.send(hello("agent")));
  ASSERT_TRUE(came(1));
  ASSERT_EQ(came_.size(), 1u);
  ASSERT_NE(message<wire::Hello>(came_[0]), nullptr);
  EXPECT_EQ(message<wire::Hello>(came_[0])->agent, "agent");
}

TEST_F(Sockets, ClientWithoutAKeyCannotSend) {
  zmq::socket_t plain(context_, zmq::socket_type::dealer);
  plain.set(zmq::sockopt::linger, 0);
  plain.connect(endpoint());
  for (const std::string& frame : wire::encode(hello("plain"))) {
    plain.send(zmq::buffer(frame), zmq::send_flags::dontwait);
  }
  ClientSocket agent = client();
  ASSERT_TRUE(agent.send(hello("agent")));
  ASSERT_TRUE(came(1));
  ASSERT_NE(message<wire::Hello>(came_[0]), nullptr);
  EXPECT_EQ(message<wire::Hello>(came_[0])->agent, "agent");
}

TEST_F(Sockets, InvalidMessageIsReportedAndTheNextOneArrives) {
  zmq::socket_t raw(context_, zmq::socket_type::dealer);
  raw.set(zmq::sockopt::linger, 0);
  raw.set(zmq::sockopt::curve_serverkey, server_keys_.public_key);
  raw.set(zmq::sockopt::curve_publickey, client_keys_.public_key);
  raw.set(zmq::sockopt::curve_secretkey, client_keys_.secret_key);
  raw.connect(endpoint());
  raw.send(zmq::str_buffer("nonsense"), zmq::send_flags::none);
  auto frames = wire::encode(wire::Ready{});
  raw.send(zmq::buffer(frames[0]), zmq::send_flags::sndmore);
  raw.send(zmq::buffer(frames[1]), zmq::send_flags::none);
  ASSERT_TRUE(came(2));
  ASSERT_FALSE(came_[0].content);
  EXPECT_EQ(came_[0].content.error().fault, wire::DecodeFault::Malformed);
  EXPECT_NE(message<wire::Ready>(came_[1]), nullptr);
  EXPECT_EQ(came_[0].peer, came_[1].peer);
}

TEST_F(Sockets, SendingToAMissingPeerReturnsFalse) {
  EXPECT_FALSE(server_->send("nobody", wire::Drain{}));
}

TEST_F(Sockets, ReconnectedAgentIsTheSamePeer) {
  std::string peer;
  {
    ClientSocket before = client(client_keys_.secret_key, "12.0.1");
    ASSERT_TRUE(before.send(wire::Ready{}));
    ASSERT_TRUE(came(1));
    peer = came_[0].peer;
  }
  ClientSocket after = client(client_keys_.secret_key, "12.0.1");
  ASSERT_TRUE(after.send(wire::Ready{}));
  ASSERT_TRUE(came(2));
  EXPECT_EQ(peer, "12.0.1");
  EXPECT_EQ(came_[1].peer, peer);
  ASSERT_TRUE(server_->send(peer, wire::Drain{true, "end"}));
  const auto answer = next(after);
  ASSERT_TRUE(answer);
  EXPECT_NE(message<wire::Drain>(*answer), nullptr);
}

TEST_F(Sockets, InvalidAddressesAndKeysAreRefused) {
  const auto taken = ServerSocket::listen(context_, endpoint(), server_keys_);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().message, "cannot listen on " + endpoint() + ": Address already in use");
  EXPECT_FALSE(ServerSocket::listen(context_, "tcp://no-port", server_keys_));
  const std::string secret = client_keys_.secret_key;
  EXPECT_FALSE(ClientSocket::connect(context_, "nonsense", server_keys_.public_key, secret));
  EXPECT_FALSE(ClientSocket::connect(context_, endpoint(), "short", secret));
  EXPECT_FALSE(ClientSocket::connect(context_, endpoint(), std::string(40, ' '), secret));
  EXPECT_FALSE(ClientSocket::connect(context_, endpoint(), server_keys_.public_key, "short"));
}

}  // namespace
}  // namespace sweep
