#include "tests/simserver/client.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <stdexcept>

namespace sweep::sim_server {

namespace {

constexpr time_t kTimeoutSeconds = 20;

}  // namespace

Client::Client(int port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const timeval timeout{kTimeoutSeconds, 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  if (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw std::runtime_error("cannot connect to port " + std::to_string(port));
}

void Client::send(const std::string& bytes) const {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t got = ::send(fd_.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (got <= 0) return;
    sent += static_cast<std::size_t>(got);
  }
}

bool Client::more() {
  char buffer[65536];
  const ssize_t got = ::recv(fd_.get(), buffer, sizeof buffer, 0);
  if (got > 0) in_.append(buffer, static_cast<std::size_t>(got));
  if (got == 0 || (got < 0 && errno == ECONNRESET)) closed_ = true;
  return got > 0;
}

std::string Client::read_until(const std::string& end) {
  while ((end.empty() || !in_.ends_with(end)) && more()) {
  }
  return std::exchange(in_, "");
}

std::string Client::response() {
  std::size_t body = std::string::npos;
  while ((body = in_.find("\r\n\r\n")) == std::string::npos && more()) {
  }
  if (body == std::string::npos) return std::exchange(in_, "");
  body += 4;
  std::size_t end = std::string::npos;
  const std::size_t length = in_.find("Content-Length: ");
  if (length < body) {
    end = body + std::stoul(in_.substr(length + 16));
    while (in_.size() < end && more()) {
    }
  } else {
    while ((end = in_.find("\r\n0\r\n\r\n", body - 2)) == std::string::npos && more()) {
    }
    end = end == std::string::npos ? in_.size() : end + 7;
  }
  const std::string out = in_.substr(0, end);
  in_.erase(0, end);
  return out;
}

void Client::reset() {
  const linger now{1, 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  fd_.reset();
}

std::string post(const std::string& path, const std::string& body) {
  return "POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string get(const std::string& path) {
  return "GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n";
}

std::string stream_of(int tokens) {
  return post("/v1/completions",
              R"({"prompt": [1, 2, 3], "stream": true, "max_tokens": )" + std::to_string(tokens) + "}");
}

int occurrences(const std::string& text, const std::string& part) {
  int found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size()))
    ++found;
  return found;
}

Program& SimserverTest::start_server(std::vector<std::string> options, const std::string& until) {
  options.insert(options.begin(), {"sweep-simserver", "--port", "0"});
  programs_.push_back(std::make_unique<Program>(directory_.string(), options));
  Program& program = *programs_.back();
  EXPECT_TRUE(program.wait_for_error(until)) << program.err();
  const std::string prefix = "listening on http://127.0.0.1:";
  EXPECT_TRUE(program.wait_for_output("\n")) << "the two streams are read one after the other";
  EXPECT_TRUE(program.out().starts_with(prefix)) << program.out();
  port_ = program.out().starts_with(prefix) ? std::stoi(program.out().substr(prefix.size())) : 0;
  return program;
}

std::string SimserverTest::request(const std::string& bytes) const {
  Client client(port_);
  client.send(bytes);
  return client.response();
}

}  // namespace sweep::sim_server
