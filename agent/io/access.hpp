// How to reach the controller, from the environment. The secret is removed there, so that no other process
// finds it.
#pragma once

#include <string>

#include "util/error.hpp"

namespace sweep::agent {

struct Access {
  std::string endpoint, server_key, client_secret;
};

/// Reads the values from the environment and removes the secret: from the environment that children inherit,
/// and from the block that /proc/PID/environ shows to this user's other processes. Fails with the names of
/// missing variables. Must be called before any thread exists.
Expected<Access> take_access();

}  // namespace sweep::agent
