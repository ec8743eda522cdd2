#include "agent/io/questions.hpp"

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

constexpr std::size_t kReadAtOnce = 16 * 1024;

std::string request_of(const Ask& what) {
  return std::string(what.post ? "POST " : "GET ") + what.path +
         " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(what.port) +
         "\r\nUser-Agent: slurm-sweep\r\nAccept: */*\r\nConnection: close\r\n" +
         (what.post ? "Content-Length: 0\r\n" : "") + "\r\n";
}

}  // namespace

struct Questions::Question {
  Ask ask;
  Instant until{};
  Fd socket;
  std::string left;  // of the request, to be written
  std::string head;  // of the answer, as far as it has come
};

Questions::Questions(EventLoop& loop, Tell tell) : loop_(loop), tell_(std::move(tell)) {}

Questions::~Questions() {
  for (const auto& question : open_)
    loop_.unwatch(question->socket.get());
}

void Questions::ask(const Ask& what, Instant now) {
  open_.remove_if([&](const auto& question) {
    if (question->ask.ref != what.ref) return false;
    loop_.unwatch(question->socket.get());
    return true;
  });
  auto question = std::make_unique<Question>();
  question->ask = what;
  question->until = now + what.patience;
  question->left = request_of(what);
  question->socket = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  Question& it = *open_.emplace_back(std::move(question));
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

void Questions::write(Question& question) {
  const int fd = question.socket.get();
  const ssize_t written = ::send(fd, question.left.data(), question.left.size(), MSG_NOSIGNAL);
  if (written < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (written < 0) return answer(question, 0, errno_text(errno));
  question.left.erase(0, static_cast<std::size_t>(written));
  if (!question.left.empty()) return;
  loop_.unwatch(fd);
  loop_.watch(fd, [this, &question] { read(question); });
}

// The head alone says the status; the rest is not read. A parser for each piece costs nothing at this size.
void Questions::read(Question& question) {
  std::array<char, kReadAtOnce> bytes;
  const ssize_t got = ::recv(question.socket.get(), bytes.data(), bytes.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got < 0) return answer(question, 0, errno_text(errno));
  question.head.append(bytes.data(), static_cast<std::size_t>(got));
  namespace http = boost::beast::http;
  http::response_parser<http::empty_body> parser;
  parser.skip(true);
  boost::system::error_code code;
  parser.put(boost::asio::buffer(question.head), code);
  if (code && code != http::error::need_more) return answer(question, 0, "no HTTP answer: " + code.message());
  if (parser.is_header_done()) return answer(question, parser.get().result_int(), {});
  if (got == 0) return answer(question, 0, "the connection was closed without an answer");
}

void Questions::answer(Question& question, int status, const std::string& problem) {
  if (question.socket.open()) loop_.unwatch(question.socket.get());
  const auto at =
      std::find_if(open_.begin(), open_.end(), [&](const auto& q) { return q.get() == &question; });
  const std::unique_ptr<Question> ended = std::move(*at);
  open_.erase(at);
  tell_(Answered{ended->ask.ref, ended->ask.serial, status, problem});
}

std::optional<Instant> Questions::deadline() const {
  std::optional<Instant> next;
  for (const auto& question : open_)
    next = earlier(next, question->until);
  return next;
}

void Questions::on_time(Instant now) {
  for (;;) {
    const auto due = std::find_if(open_.begin(), open_.end(), [&](const auto& q) { return now >= q->until; });
    if (due == open_.end()) return;
    answer(**due, 0, "no answer");
  }
}

}  // namespace sweep::agent
