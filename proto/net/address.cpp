#include "proto/net/address.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "util/os/files.hpp"

namespace sweep {

namespace {

bool can_be_looked_up(const std::string& name) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int code = ::getaddrinfo(name.c_str(), nullptr, &hints, &found);
  if (found != nullptr) ::freeaddrinfo(found);
  return code == 0;
}

}  // namespace

std::string interface_address() {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return {};
  std::string address;
  for (const ifaddrs* at = list; at != nullptr && address.empty(); at = at->ifa_next) {
    constexpr unsigned kUsable = IFF_UP | IFF_RUNNING;
    const bool usable = (at->ifa_flags & kUsable) == kUsable && (at->ifa_flags & IFF_LOOPBACK) == 0;
    if (!usable || at->ifa_addr == nullptr || at->ifa_addr->sa_family != AF_INET) continue;
    char text[INET_ADDRSTRLEN] = {};
    const auto* inet = reinterpret_cast<const sockaddr_in*>(at->ifa_addr);
    if (::inet_ntop(AF_INET, &inet->sin_addr, text, sizeof text) != nullptr) address = text;
  }
  ::freeifaddrs(list);
  return address;
}

std::string reachable_host() {
  const std::string name = host_name();
  if (can_be_looked_up(name)) return name;
  const std::string address = interface_address();
  return address.empty() ? "127.0.0.1" : address;
}

}  // namespace sweep
