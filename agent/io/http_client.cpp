#include "agent/io/http_client.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <cerrno>

#include "util/os/fd.hpp"
#include "util/os/files.hpp"

namespace sweep::agent {

namespace {

constexpr std::size_t kHttpRead = std::size_t{16} << 10;

std::string request_of(const AskServer& what) {
  return std::string(what.post ? "POST " : "GET ") + what.path +
         " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(what.port) +
         "\r\nUser-Agent: slurm-sweep\r\nAccept: */*\r\nConnection: close\r\n" +
         (what.post ? "Content-Length: 0\r\n" : "") + "\r\n";
}

}  // namespace

struct HttpClient::Request {
  AskServer spec;
  Instant until{};
  Fd socket;
  std::string unsent;  // the part of the request that has not been written yet
  std::string head;    // the part of the answer's head that has arrived
};

HttpClient::HttpClient(EventLoop& loop, OnInput on_input) : loop_(loop), on_input_(std::move(on_input)) {}

HttpClient::~HttpClient() {
  for (const auto& request : open_)
    loop_.unwatch(request->socket.get());
}

void HttpClient::send(const AskServer& what, Instant now) {
  open_.remove_if([&](const auto& request) {
    if (request->spec.ref != what.ref) return false;
    loop_.unwatch(request->socket.get());
    return true;
  });
  auto request = std::make_unique<Request>();
  request->spec = what;
  request->until = now + what.patience;
  request->unsent = request_of(what);
  request->socket = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  Request& it = *open_.emplace_back(std::move(request));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(what.port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (!it.socket.open()) return answer(it, 0, errno_text(errno));
  if (::connect(it.socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
      errno != EINPROGRESS)
    return answer(it, 0, errno_text(errno));
  loop_.watch_writing(it.socket.get(), [this, &it] { write(it); });
}

void HttpClient::write(Request& request) {
  const int fd = request.socket.get();
  const ssize_t written = ::send(fd, request.unsent.data(), request.unsent.size(), MSG_NOSIGNAL);
  if (written < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (written < 0) return answer(request, 0, errno_text(errno));
  request.unsent.erase(0, static_cast<std::size_t>(written));
  if (!request.unsent.empty()) return;
  loop_.unwatch(fd);
  loop_.watch(fd, [this, &request] { read(request); });
}

// Reads the head, which contains the status; the rest is not read. The head is short enough to parse it again
// after each piece.
void HttpClient::read(Request& request) {
  std::array<char, kHttpRead> bytes;
  const ssize_t got = ::recv(request.socket.get(), bytes.data(), bytes.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got < 0) return answer(request, 0, errno_text(errno));
  request.head.append(bytes.data(), static_cast<std::size_t>(got));
  namespace http = boost::beast::http;
  http::response_parser<http::empty_body> parser;
  parser.skip(true);
  boost::system::error_code code;
  parser.put(boost::asio::buffer(request.head), code);
  if (code && code != http::error::need_more)
    return answer(request, 0, "not an HTTP answer: " + code.message());
  if (parser.is_header_done()) return answer(request, static_cast<int>(parser.get().result_int()), {});
  if (got == 0) return answer(request, 0, "the connection was closed without an answer");
}

void HttpClient::answer(Request& request, int status, const std::string& problem) {
  if (request.socket.open()) loop_.unwatch(request.socket.get());
  const auto at =
      std::find_if(open_.begin(), open_.end(), [&](const auto& q) { return q.get() == &request; });
  const std::unique_ptr<Request> ended = std::move(*at);
  open_.erase(at);
  on_input_(ServerAnswered{ended->spec.ref, ended->spec.serial, status, problem});
}

std::optional<Instant> HttpClient::deadline() const {
  std::optional<Instant> next;
  for (const auto& request : open_)
    next = earlier(next, request->until);
  return next;
}

void HttpClient::on_deadline(Instant now) {
  for (;;) {
    const auto due = std::find_if(open_.begin(), open_.end(), [&](const auto& q) { return now >= q->until; });
    if (due == open_.end()) return;
    answer(**due, 0, "no answer");
  }
}

}  // namespace sweep::agent
