#include "agent/io/access.hpp"

#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

#include "proto/base/env_names.hpp"
#include "util/text.hpp"

namespace sweep::agent {

namespace {

void wipe(const char* name) {
  std::string head = name;
  head += '=';
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    if (std::string_view(*entry).starts_with(head))
      ::explicit_bzero(*entry + head.size(), std::strlen(*entry + head.size()));
  }
  ::unsetenv(name);
}

}  // namespace

Expected<Access> take_access() {
  std::vector<std::string> missing;
  const auto take = [&](const char* name) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') missing.emplace_back(name);
    return std::string(value == nullptr ? "" : value);
  };
  Access access{take(SWEEP_ENV_ENDPOINT), take(SWEEP_ENV_SERVER_KEY), take(SWEEP_ENV_CLIENT_SECRET)};
  wipe(SWEEP_ENV_CLIENT_SECRET);
  if (missing.empty()) return access;
  std::string message = join(missing, ", ");
  message += missing.size() == 1 ? " is" : " are";
  message += " not set; start sweep-agent with srun --sweep-config=FILE or sweepctl run";
  return fail(std::move(message));
}

}  // namespace sweep::agent
