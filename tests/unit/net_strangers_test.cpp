// Peers that are refused at a server's socket before any message: they are reported with their address, and a
// peer cannot choose its connection number.
#include "tests/unit/net_strangers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proto/net/sockets.hpp"
#include "tests/unit/net_loop.hpp"

namespace sweep {
namespace {

using testing::HasSubstr;

std::string told(const std::optional<HandshakeBook::Stranger>& stranger) {
  return stranger ? stranger->from + " " + stranger->why : "";
}

TEST(HandshakeBook, CompletedHandshakeIsNotReported) {
  HandshakeBook book;
  book.accepted(5, "a");
  book.succeeded();
  EXPECT_EQ(told(book.disconnected(5)), "");
  EXPECT_EQ(book.open(), 0u);
}

TEST(HandshakeBook, FailedHandshakeIsReportedWithItsReason) {
  HandshakeBook book;
  book.accepted(5, "a");
  book.failed("why");
  EXPECT_EQ(told(book.disconnected(5)), "a why");
  book.accepted(5, "b");  // the same descriptor again
  EXPECT_EQ(told(book.disconnected(5)), "b does not speak ZeroMQ");
  book.accepted(5, "c");
  book.failed("");
  EXPECT_EQ(told(book.disconnected(5)), "");
  EXPECT_EQ(told(book.disconnected(6)), "");
}

// The number of reported peers is right, in whatever order the events of many handshakes arrive.
TEST(HandshakeBook, NumberOfFailedHandshakesIsExact) {
  for (int seed = 0; seed < 500; ++seed) {
    unsigned random = static_cast<unsigned>(seed) * 2654435761u + 1;
    const auto below = [&](unsigned n) { return (random = random * 1664525u + 1013904223u) / 65536u % n; };
    HandshakeBook book;
    std::vector<std::pair<int, int>> open;  // descriptor; 0: in the handshake, 1: completed
    int strangers = 0, reported = 0, next = 3;
    for (int step = 0; step < 200 || !open.empty(); ++step) {
      const unsigned what = step < 200 ? below(4) : 3;
      if (what == 0 || open.empty()) {
        if (step >= 200) break;
        book.accepted(next, "x");
        open.emplace_back(next++, 0);
        continue;
      }
      const std::size_t which = below(static_cast<unsigned>(open.size()));
      if (what <= 2) {
        if (open[which].second == 1) continue;
        open[which].second = 1;
        book.succeeded();
        continue;
      }
      if (open[which].second == 0) {
        ++strangers;
        if (below(2) == 0) book.failed("why");
      }
      if (book.disconnected(open[which].first)) ++reported;
      open.erase(open.begin() + static_cast<std::ptrdiff_t>(which));
    }
    EXPECT_EQ(reported, strangers) << "seed " << seed;
    EXPECT_EQ(book.open(), 0u);
  }
}

class Refusals : public testing::Test {
 protected:
  void SetUp() override {
    auto server = ServerSocket::listen(context_, "tcp://*:*", server_keys_);
    ASSERT_TRUE(server) << server.error().message;
    server_.emplace(std::move(*server));
    watch_.emplace(context_, server_->socket(), [this](const std::string& from, const std::string& why) {
      refusals_.push_back(from + " " + why);
    });
    loop_.watch(authenticator_.socket(), [this] { authenticator_.answer(); });
    loop_.watch(watch_->socket(), [this] { watch_->take(); });
    loop_.watch(server_->socket(), [this] {
      while (auto incoming = server_->receive())
        came_.push_back(std::move(*incoming));
    });
  }
  std::string endpoint() const { return "tcp://127.0.0.1:" + std::to_string(server_->port()); }
  ClientSocket client(const std::string& identity = {}) {
    auto socket = ClientSocket::connect(context_, endpoint(), server_keys_.public_key,
                                        client_keys_.secret_key, identity);
    EXPECT_TRUE(socket);
    return std::move(*socket);
  }
  /// Expects that the next refusal has this reason, and that the sweep's own client can connect afterwards.
  void refused(const std::string& why, const std::string& what) {
    const std::size_t before = refusals_.size(), messages = came_.size();
    ASSERT_TRUE(run_until(loop_, [&] { return refusals_.size() > before; })) << what;
    EXPECT_THAT(refusals_.back(), HasSubstr(why)) << what;
    ClientSocket agent = client();
    ASSERT_TRUE(agent.send(wire::Heartbeat{}));
    ASSERT_TRUE(run_until(loop_, [&] { return came_.size() > messages; })) << what;
    EXPECT_TRUE(came_.back().content) << what;
  }

  zmq::context_t context_;
  KeyPair server_keys_ = make_key_pair(), client_keys_ = make_key_pair();
  std::vector<std::string> refusals_;
  KeyAuthenticator authenticator_{
      context_, client_keys_.public_key,
      [this](const std::string& from, const std::string& why) { refusals_.push_back(from + " " + why); }};
  std::optional<ServerSocket> server_;
  std::optional<HandshakeWatch> watch_;
  EventLoop loop_;
  std::vector<Incoming> came_;
};

TEST_F(Refusals, OtherProtocol) {
  for (const auto& [name, bytes] : tcp_nonsense()) {
    Fd stranger = tcp_to(server_->port(), bytes);
    refused("", name);
  }
  EXPECT_EQ(watch_->refused(), tcp_nonsense().size());
  EXPECT_EQ(authenticator_.refused(), 0u);
}

TEST_F(Refusals, SilentPeerThatDisconnects) {
  Fd stranger = tcp_to(server_->port(), "");
  ASSERT_TRUE(run_until(loop_, [&] { return watch_->open() == 1; }));
  stranger.reset();
  refused("disconnected or sent nothing", "silence");
  EXPECT_THAT(refusals_.back(), testing::StartsWith("127.0.0.1:"));
}

TEST_F(Refusals, ZeroMqWithoutAKey) {
  zmq::socket_t stranger = dealer(context_);
  stranger.connect(endpoint());
  refused("has no key", "NULL");
}

TEST_F(Refusals, PlainPassword) {
  zmq::socket_t stranger = dealer(context_);
  stranger.set(zmq::sockopt::plain_username, "root");
  stranger.set(zmq::sockopt::plain_password, "root");
  stranger.connect(endpoint());
  refused("has no key", "PLAIN");
}

TEST_F(Refusals, WrongClientKey) {
  const KeyPair own = make_key_pair();
  zmq::socket_t stranger = dealer(context_);
  stranger.set(zmq::sockopt::curve_serverkey, server_keys_.public_key);
  stranger.set(zmq::sockopt::curve_publickey, own.public_key);
  stranger.set(zmq::sockopt::curve_secretkey, own.secret_key);
  stranger.connect(endpoint());
  refused("has another key", "own key");
  EXPECT_THAT(refusals_.back(), testing::StartsWith("127.0.0.1 "));
  EXPECT_EQ(authenticator_.refused(), 1u);
  EXPECT_EQ(watch_->refused(), 0u);  // reported once
}

TEST_F(Refusals, WrongServerKey) {
  zmq::socket_t stranger = dealer(context_);
  stranger.set(zmq::sockopt::curve_serverkey, make_key_pair().public_key);
  stranger.set(zmq::sockopt::curve_publickey, client_keys_.public_key);
  stranger.set(zmq::sockopt::curve_secretkey, client_keys_.secret_key);
  stranger.connect(endpoint());
  refused("another controller's key", "other server");
}

// A peer can use the routing id of another one and so take its place in ZeroMQ. Its connection number still
// differs.
TEST_F(Refusals, PeerWithATakenRoutingIdHasAnotherConnectionNumber) {
  ClientSocket first = client("12.0.1");
  ASSERT_TRUE(first.send(wire::Heartbeat{}));
  ASSERT_TRUE(run_until(loop_, [&] { return came_.size() == 1; }));
  ClientSocket second = client("12.0.1");
  ASSERT_TRUE(second.send(wire::Heartbeat{}));
  ASSERT_TRUE(run_until(loop_, [&] { return came_.size() == 2; }));
  EXPECT_EQ(came_[0].peer, came_[1].peer);
  EXPECT_NE(came_[0].connection, "");
  EXPECT_NE(came_[1].connection, "");
  EXPECT_NE(came_[0].connection, came_[1].connection);
  ASSERT_TRUE(second.send(wire::Heartbeat{}));
  ASSERT_TRUE(run_until(loop_, [&] { return came_.size() == 3; }));
  EXPECT_EQ(came_[2].connection, came_[1].connection);
}

}  // namespace
}  // namespace sweep
