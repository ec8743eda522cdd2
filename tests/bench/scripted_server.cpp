#include "tests/bench/scripted_server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <utility>

namespace sweep::client {

ScriptedServer::ScriptedServer(Script script, int hold_until)
    : script_(std::move(script)), hold_until_(hold_until) {
  listener_ = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::listen(listener_.get(), 512) != 0)
    throw std::runtime_error("cannot listen");
  ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  stop_read_ = Fd(ends[0]);
  stop_write_ = Fd(ends[1]);
  thread_ = std::thread([this] { serve(); });
}

ScriptedServer::~ScriptedServer() {
  stop_write_.reset();
  thread_.join();
}

std::vector<std::string> ScriptedServer::bodies() const {
  const std::lock_guard lock(mutex_);
  return bodies_;
}

bool ScriptedServer::await_requests(int count) {
  std::unique_lock lock(mutex_);
  return request_arrived_.wait_for(lock, std::chrono::seconds(20), [&] { return number_ >= count; });
}

void ScriptedServer::serve() {
  for (;;) {
    std::vector<pollfd> all = {{stop_read_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}};
    for (const auto& [fd, peer] : peers_)
      all.push_back({fd, static_cast<short>(POLLIN | (peer.out.empty() ? 0 : POLLOUT)), 0});
    ::poll(all.data(), all.size(), -1);
    if (all[0].revents != 0) return;
    for (std::size_t i = 2; i < all.size(); ++i) {
      if (all[i].revents == 0) continue;
      Peer& peer = peers_.at(all[i].fd);
      read_request(peer);
      if (!peer.out.empty()) {
        const ssize_t sent =
            ::send(peer.fd.get(), peer.out.data(), peer.out.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) peer.out.erase(0, static_cast<std::size_t>(sent));
      }
    }
    std::erase_if(peers_, [](const auto& entry) {
      return !entry.second.fd.open() ||
             (entry.second.close && entry.second.out.empty() && entry.second.held.empty());
    });
    if (all[1].revents == 0) continue;
    Fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd.open()) continue;
    ++connections_;
    const int number = fd.get();
    peers_[number].fd = std::move(fd);
  }
}

void ScriptedServer::read_request(Peer& peer) {
  std::array<char, 65536> bytes;
  const ssize_t got = ::recv(peer.fd.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (got == 0) peer.fd.reset();
  if (got <= 0) return;
  peer.in.append(bytes.data(), static_cast<std::size_t>(got));
  const std::size_t head = peer.in.find("\r\n\r\n");
  const std::size_t field = peer.in.find("Content-Length: ");
  if (head == std::string::npos || field == std::string::npos) return;
  const std::size_t length = std::stoul(peer.in.substr(field + 16));
  if (peer.in.size() < head + 4 + length) return;
  answer(peer, peer.in.substr(0, head + 4 + length));
  peer.in.erase(0, head + 4 + length);
}

void ScriptedServer::answer(Peer& peer, const std::string& request) {
  {
    const std::lock_guard lock(mutex_);
    bodies_.push_back(request.substr(request.find("\r\n\r\n") + 4));
  }
  ScriptedResponse response;
  {
    const std::lock_guard lock(mutex_);
    response = script_(number_++, request);
  }
  request_arrived_.notify_all();
  peer.held = std::move(response.bytes);
  peer.close = response.close;
  peer.unanswered = true;
  const int open = static_cast<int>(
      std::count_if(peers_.begin(), peers_.end(), [](const auto& entry) { return entry.second.unanswered; }));
  max_unanswered_ = std::max<int>(max_unanswered_, open);
  // The response is held until enough requests are unanswered. Only the first one, to the test request, is
  // sent at once.
  if (number_ == 1 || open >= hold_until_) release();
}

void ScriptedServer::release() {
  for (auto& [fd, peer] : peers_) {
    peer.out += std::exchange(peer.held, {});
    peer.unanswered = false;
  }
  if (number_ > 1) hold_until_ = 0;
}

std::string token_event(const std::string& text) {
  return R"(data: {"id":"c","object":"text_completion","choices":[{"index":0,"text":")" + text +
         R"(","finish_reason":null}],"usage":null})"
         "\n\n";
}

std::string usage_event(int prompt, int completion) {
  return R"(data: {"id":"c","choices":[],"usage":{"prompt_tokens":)" + std::to_string(prompt) +
         R"(,"completion_tokens":)" + std::to_string(completion) + "}}\n\n" + kDoneEvent;
}

std::string stream_answer(const std::string& events) {
  char length[32];
  std::snprintf(length, sizeof length, "%zx", events.size());
  return "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n" +
         std::string(length) + "\r\n" + events + "\r\n0\r\n\r\n";
}

}  // namespace sweep::client
