// How to reach the controller: taken out of the environment, so that nobody else finds it there.
#pragma once

#include <string>

#include "util/error.hpp"

namespace sweep::agent {

struct Access {
  std::string endpoint, server_key, client_secret;
};

/// Reads them from the environment and removes the secret from it: from what children inherit, and from the
/// block that /proc/PID/environ shows to other processes of this user. Fails, naming what is missing. To call
/// before any thread exists.
Expected<Access> take_access();

}  // namespace sweep::agent
