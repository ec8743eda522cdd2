// Peers that must be refused: plain TCP connections, and ZeroMQ sockets with the wrong security.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <zmq.hpp>

#include "util/os/fd.hpp"

namespace sweep {

/// Connects to a port of this machine over TCP and sends `bytes`.
inline Fd tcp_to(int port, std::string_view bytes) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  if (!bytes.empty()) {
    EXPECT_EQ(::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }
  return fd;
}

inline int port_of(const std::string& endpoint) {
  return std::stoi(endpoint.substr(endpoint.rfind(':') + 1));
}

/// Returns the greeting of ZMTP 3: signature, version, and a security mechanism of at most 20 letters.
inline std::string zmtp_greeting(const std::string& mechanism) {
  std::string out("\xff\0\0\0\0\0\0\0\1\x7f\3\0", 12);
  out += mechanism;
  out.resize(64, '\0');
  return out;
}

/// Bytes that people and scanners send to open ports.
inline std::vector<std::pair<std::string, std::string>> tcp_nonsense() {
  return {{"http", "GET / HTTP/1.1\r\nHost: sweep\r\n\r\n"},
          {"tls", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11) + std::string(200, 'x')},
          {"ssh", "SSH-2.0-OpenSSH_9.2\r\n"},
          {"zeros", std::string(1'000, '\0')},
          {"ones", std::string(1'000, '\xff')},
          {"zmtp 2", std::string("\xff\0\0\0\0\0\0\0\1\x7f\1\5\0\0", 14)},
          {"another mechanism", zmtp_greeting("CURVX")},
          {"curve, then no command of it", zmtp_greeting("CURVE") + "\x04\xc8" + std::string(200, 'x')},
          {"curve, then a frame of 2^63 bytes",
           zmtp_greeting("CURVE") + std::string("\x06\x7f\xff\xff\xff\xff\xff\xff\xff", 9)}};
}

/// Returns a DEALER that does not reconnect and does not linger.
inline zmq::socket_t dealer(zmq::context_t& context) {
  zmq::socket_t socket(context, zmq::socket_type::dealer);
  socket.set(zmq::sockopt::linger, 0);
  socket.set(zmq::sockopt::reconnect_ivl, -1);
  return socket;
}

}  // namespace sweep
