// The server's address as --base-url names it. Pure.
#pragma once

#include <string>
#include <string_view>

#include "util/error.hpp"

namespace sweep::client {

struct Url {
  std::string host, port, path;  // the path without a slash at its end, "" for none
  std::string host_header;
};

/// "http://host:8000/prefix"; IPv6 in brackets; port 80 when none is given. Fails on anything else, https
/// included, naming the text and the remedy.
Expected<Url> parse_url(std::string_view text);

}  // namespace sweep::client
