#include "proto/net/curve.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>
#include <zmq_addon.hpp>

namespace sweep {

namespace {

constexpr std::size_t kRawKey = 32;
constexpr std::size_t kTextKey = 40;

std::string decode_key(const std::string& text) {
  std::array<std::uint8_t, kRawKey> raw{};
  if (text.size() != kTextKey || ::zmq_z85_decode(raw.data(), text.c_str()) == nullptr) return {};
  return std::string(raw.begin(), raw.end());
}

// Returns an IPv4 address without the prefix that it has on a socket for IPv6 and IPv4.
std::string_view without_mapping(std::string_view address) {
  constexpr std::string_view kMapped = "::ffff:";
  const bool mapped = address.starts_with(kMapped) && address.find('.') != std::string_view::npos;
  return mapped ? address.substr(kMapped.size()) : address;
}

constexpr const char* kGone = "an unknown address (already disconnected)";

/// Returns the address of the peer of a connection that ZeroMQ has just accepted. ZeroMQ does not report it,
/// and may already have closed the connection.
std::string peer_of(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return kGone;
  if (address.ss_family == AF_INET) {
    const auto* in = reinterpret_cast<const sockaddr_in*>(&address);
    ::inet_ntop(AF_INET, &in->sin_addr, text.data(), text.size());
    return std::string(text.data()) + ":" + std::to_string(ntohs(in->sin_port));
  }
  if (address.ss_family != AF_INET6) return kGone;
  const auto* in = reinterpret_cast<const sockaddr_in6*>(&address);
  ::inet_ntop(AF_INET6, &in->sin6_addr, text.data(), text.size());
  const std::string_view host = without_mapping(text.data());
  const std::string port = ":" + std::to_string(ntohs(in->sin6_port));
  return host.find(':') == std::string_view::npos ? std::string(host) + port
                                                  : "[" + std::string(host) + "]" + port;
}

std::string why_failed(std::uint32_t error) {
  switch (error) {
    case ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH:
      return "has no key, or does not speak ZeroMQ";
    case ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC:
      return "has another controller's key";
    default:
      return "breaks ZeroMQ's protocol";
  }
}

}  // namespace

KeyPair make_key_pair() {
  std::array<char, kTextKey + 1> open{};
  std::array<char, kTextKey + 1> secret{};
  if (::zmq_curve_keypair(open.data(), secret.data()) != 0) throw zmq::error_t();
  return {open.data(), secret.data()};
}

Expected<std::string> public_key_of(const std::string& secret_key) {
  std::array<char, kTextKey + 1> open{};
  if (secret_key.size() != kTextKey || ::zmq_curve_public(open.data(), secret_key.c_str()) != 0) {
    return fail("the sweep's key is not a CURVE key of 40 characters");
  }
  return std::string(open.data());
}

// --- KeyAuthenticator

KeyAuthenticator::KeyAuthenticator(zmq::context_t& context, const std::string& client_public_key,
                                   RefusalHandler on_refused)
    : socket_(context, zmq::socket_type::rep),
      allowed_(decode_key(client_public_key)),
      on_refused_(std::move(on_refused)) {
  socket_.bind("inproc://zeromq.zap.01");
}

void KeyAuthenticator::answer() {
  // version, request id, domain, address, identity, mechanism, key
  std::vector<zmq::message_t> request;
  while (zmq::recv_multipart(socket_, std::back_inserter(request), zmq::recv_flags::dontwait)) {
    const bool complete = request.size() >= 7 && request[5].to_string_view() == "CURVE";
    const bool welcome = complete && !allowed_.empty() && request[6].to_string_view() == allowed_;
    if (welcome) {
      ++admitted_;
    } else {
      ++refused_;
      const std::string_view from = request.size() > 3 ? request[3].to_string_view() : kGone;
      if (on_refused_) on_refused_(std::string(without_mapping(from)), "has another key");
    }
    const std::string id = request.size() > 1 ? request[1].to_string() : std::string();
    // version, request id, status, text, user id, metadata
    const std::array<std::string, 6> reply = {"1.0",
                                              id,
                                              welcome ? "200" : "400",
                                              welcome ? "OK" : "unknown key",
                                              welcome ? std::to_string(admitted_) : "",
                                              ""};
    for (std::size_t i = 0; i < reply.size(); ++i) {
      socket_.send(zmq::buffer(reply[i]),
                   i + 1 < reply.size() ? zmq::send_flags::sndmore : zmq::send_flags::none);
    }
    request.clear();
  }
}

// --- handshakes

void HandshakeBook::accepted(int connection, std::string from) {
  from_[connection] = std::move(from);
  unknown_.insert(connection);
}

void HandshakeBook::succeeded() {
  ++through_;
  settle();
}

void HandshakeBook::failed(std::string why) {
  failure_ = std::move(why);
}

std::optional<HandshakeBook::Stranger> HandshakeBook::disconnected(int connection) {
  const auto failure = std::exchange(failure_, std::nullopt);
  const auto found = from_.find(connection);
  if (found == from_.end()) return std::nullopt;
  const std::string from = std::move(found->second);
  from_.erase(found);
  if (unknown_.erase(connection) == 0) return std::nullopt;  // its handshake had succeeded
  const bool was_through = !failure && through_ > 0;
  if (was_through) --through_;
  settle();
  if (was_through || (failure && failure->empty())) return std::nullopt;
  return Stranger{from, failure.value_or("does not speak ZeroMQ")};
}

void HandshakeBook::settle() {
  if (through_ < unknown_.size()) return;
  unknown_.clear();  // as many have succeeded as are open, so all of them have
  through_ = 0;
}

HandshakeWatch::HandshakeWatch(zmq::context_t& context, zmq::socket_ref server, RefusalHandler on_refused)
    : monitor_(context, server,
               ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
                   ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                   ZMQ_EVENT_DISCONNECTED),
      on_refused_(std::move(on_refused)) {}

void HandshakeWatch::take() {
  while (const auto item = monitor_.next()) {
    const auto [kind, value] = *item;
    const int fd = static_cast<int>(value);  // of ACCEPTED and DISCONNECTED
    if (kind == ZMQ_EVENT_ACCEPTED) book_.accepted(fd, peer_of(fd));
    if (kind == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) book_.succeeded();
    if (kind == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) book_.failed("");  // KeyAuthenticator has reported it
    if (kind == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL)
      book_.failed("disconnected or sent nothing before showing a key");
    if (kind == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL) book_.failed(why_failed(value));
    if (kind != ZMQ_EVENT_DISCONNECTED) continue;
    if (const auto stranger = book_.disconnected(fd)) {
      ++refused_;
      if (on_refused_) on_refused_(stranger->from, stranger->why);
    }
  }
}

}  // namespace sweep
