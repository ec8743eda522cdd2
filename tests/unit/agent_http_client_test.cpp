// agent/io/http_client over real sockets: valid answers, and everything else that a server may do.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "agent/io/http_client.hpp"
#include "util/os/clock.hpp"
#include "util/os/fd.hpp"

namespace sweep::agent {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

const AttemptRef kServer{"server", 1};

class HttpClientTest : public testing::Test {
 protected:
  HttpClientTest() {
    listener_ = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    socklen_t size = sizeof address;
    EXPECT_EQ(::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
  }
  ~HttpClientTest() override {
    if (listens_) loop_.unwatch(listener_.get());
    if (peer_.open()) loop_.unwatch(peer_.get());
  }

  /// A server that sends this text when it has received a request, and closes the connection if `closes`.
  void serve(const std::string& answer, bool closes = true) {
    ASSERT_EQ(::listen(listener_.get(), 8), 0);
    listens_ = true;
    loop_.watch(listener_.get(), [this, answer, closes] {
      if (peer_.open()) loop_.unwatch(peer_.get());
      peer_ = Fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      loop_.watch(peer_.get(), [this, answer, closes] {
        std::array<char, 4096> bytes;
        const ssize_t got = ::recv(peer_.get(), bytes.data(), bytes.size(), 0);
        if (got > 0) request_.append(bytes.data(), static_cast<std::size_t>(got));
        const bool whole = request_.find("\r\n\r\n") != std::string::npos;
        if (got > 0 && !whole) return;
        if (whole) ::send(peer_.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
        loop_.unwatch(peer_.get());
        if (closes || got <= 0) peer_.reset();
      });
    });
  }

  /// Returns the answer to one request.
  ServerAnswered request(bool post = false, Millis patience = Millis(10'000)) {
    client_.send(AskServer{kServer, 7, post, port_, "/health", patience}, now());
    return await();
  }
  ServerAnswered await() {
    while (answers_.empty()) {
      loop_.step(client_.deadline());
      client_.on_deadline(now());
    }
    const ServerAnswered answer = answers_.front();
    answers_.erase(answers_.begin());
    EXPECT_TRUE(answers_.empty()) << "one answer per request";
    EXPECT_FALSE(client_.deadline());
    return answer;
  }

  EventLoop loop_;
  Fd listener_, peer_;
  bool listens_ = false;
  int port_ = 0;
  std::string request_;
  std::vector<ServerAnswered> answers_;
  HttpClient client_{loop_,
                     [this](const Input& input) { answers_.push_back(std::get<ServerAnswered>(input)); }};
};

TEST_F(HttpClientTest, ReturnsTheStatus) {
  serve("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false);
  const ServerAnswered answer = request();
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.serial, 7);
  EXPECT_EQ(answer.ref, kServer);
  EXPECT_THAT(request_, StartsWith("GET /health HTTP/1.1\r\nHost: 127.0.0.1:"));
  EXPECT_THAT(request_, HasSubstr("\r\nConnection: close\r\n"));
}

TEST_F(HttpClientTest, ResetIsAPostWithoutBody) {
  serve("HTTP/1.0 503 Service Unavailable\r\n\r\n");
  EXPECT_EQ(request(true).status, 503);
  EXPECT_THAT(request_, StartsWith("POST /health HTTP/1.1\r\n"));
  EXPECT_THAT(request_, HasSubstr("\r\nContent-Length: 0\r\n"));
}

TEST_F(HttpClientTest, EndlessBodyIsNotReadAndChunkingDoesNotMatter) {
  serve("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffff\r\nxxxx", false);
  EXPECT_EQ(request().status, 200);
}

TEST_F(HttpClientTest, RefusedConnectionIsReported) {
  const ServerAnswered answer = request();
  EXPECT_EQ(answer.status, 0);
  EXPECT_EQ(answer.problem, "Connection refused");
}

TEST_F(HttpClientTest, NonHttpAnswerIsReported) {
  serve("SSH-2.0-OpenSSH_9.2\r\n");
  const ServerAnswered answer = request();
  EXPECT_EQ(answer.status, 0);
  EXPECT_THAT(answer.problem, StartsWith("not an HTTP answer: "));
}

TEST_F(HttpClientTest, IncompleteAnswerIsReported) {
  for (const char* half : {"", "HTTP/1.1 2", "HTTP/1.1 200 OK\r\nContent-Le"}) {
    HttpClientTest::serve(half);
    request_.clear();
    const ServerAnswered answer = request();
    EXPECT_EQ(answer.status, 0) << half;
    EXPECT_EQ(answer.problem, "the connection was closed without an answer") << half;
  }
}

TEST_F(HttpClientTest, EndlessHeadIsRejected) {
  serve("HTTP/1.1 200 OK\r\nX: " + std::string(1 << 20, 'x'), false);
  const ServerAnswered answer = request();
  EXPECT_EQ(answer.status, 0);
  EXPECT_THAT(answer.problem, StartsWith("not an HTTP answer: "));
}

TEST_F(HttpClientTest, SilentServerTimesOut) {
  serve("", false);
  const ServerAnswered answer = request(false, Millis(50));
  EXPECT_EQ(answer.status, 0);
  EXPECT_EQ(answer.problem, "no answer");
}

TEST_F(HttpClientTest, NewRequestReplacesThePreviousOne) {
  serve("HTTP/1.1 204 No Content\r\n\r\n");
  client_.send(AskServer{kServer, 1, false, port_, "/a", Millis(10'000)}, now());
  client_.send(AskServer{kServer, 2, false, port_, "/b", Millis(10'000)}, now());
  const ServerAnswered answer = await();
  EXPECT_EQ(answer.serial, 2);
  EXPECT_EQ(answer.status, 204);
}

}  // namespace
}  // namespace sweep::agent
