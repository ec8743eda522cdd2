// Parses the server's address, the value of --base-url. Pure.
#pragma once

#include <string>
#include <string_view>

#include "util/error.hpp"

namespace sweep::client {

struct Url {
  std::string host, port, path;  // path: without a trailing slash, may be empty
  std::string host_header;
};

/// Parses "http://host:8000/prefix"; an IPv6 address stands in brackets, the default port is 80. Fails on
/// anything else, including https, with a message that names the text and the remedy.
Expected<Url> parse_url(std::string_view text);

}  // namespace sweep::client
