#include "benchmarks/sweep-bench/core/url.hpp"

#include <charconv>

#include "util/text.hpp"

namespace sweep::client {

namespace {

bool is_port(std::string_view text) {
  unsigned value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  return code == std::errc() && end == text.data() + text.size() && value >= 1 && value <= 65'535;
}

// Characters that would end the request line or a header early.
bool has_forbidden_bytes(std::string_view text) {
  for (const char c : text) {
    if (c <= ' ' || c == 0x7f || c == '@' || c == '#') return true;
  }
  return false;
}

}  // namespace

Expected<Url> parse_url(std::string_view text) {
  constexpr std::string_view kHttp = "http://";
  const auto wrong = [&](std::string_view why) {
    return fail("invalid --base-url '" + printable(text) + "': " + std::string(why) +
                "; give http://HOST:PORT");
  };
  if (ascii_lower(std::string(text)).starts_with("https://")) return wrong("TLS is not supported");
  if (!ascii_lower(std::string(text)).starts_with(kHttp)) return wrong("not an http URL");
  std::string_view rest = text.substr(kHttp.size());
  if (has_forbidden_bytes(rest)) return wrong("blanks, control characters, '@' and '#' are not allowed");

  Url url;
  const std::size_t slash = rest.find('/');
  std::string_view authority = rest.substr(0, slash);
  if (slash != std::string_view::npos) url.path = rest.substr(slash);
  while (url.path.ends_with('/'))
    url.path.pop_back();

  std::string_view port;
  if (authority.starts_with('[')) {
    const std::size_t close = authority.find(']');
    if (close == std::string_view::npos) return wrong("the closing bracket of the address is missing");
    url.host = authority.substr(1, close - 1);
    port = authority.substr(close + 1);
  } else {
    const std::size_t colon = authority.find(':');
    url.host = authority.substr(0, colon);
    if (colon != std::string_view::npos) port = authority.substr(colon);
  }
  if (url.host.empty()) return wrong("the host is missing");
  if (!port.empty() && !(port.starts_with(':') && is_port(port.substr(1))))
    return wrong("the port is not a number from 1 to 65535");
  url.port = port.empty() ? "80" : port.substr(1);
  url.host_header = authority;
  return url;
}

}  // namespace sweep::client
