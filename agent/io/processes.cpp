#include "agent/io/processes.hpp"

#include <unistd.h>

#include <fstream>
#include <iterator>
#include <string_view>

namespace sweep::agent {

std::vector<pid_t> own_children() {
  const std::string self = std::to_string(::getpid());
  std::ifstream file("/proc/self/task/" + self + "/children");
  return {std::istream_iterator<pid_t>(file), std::istream_iterator<pid_t>()};
}

namespace {

/// Each entry between two zero bytes; empty where there is none to be seen.
std::string environment_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/environ", std::ios::binary);
  const std::string environment(std::istreambuf_iterator<char>(file), {});
  return environment.empty() ? "" : '\0' + environment + '\0';
}

}  // namespace

std::optional<bool> was_started_with(pid_t pid, const std::string& entry) {
  const std::string all = environment_of(pid);
  if (all.empty()) return std::nullopt;
  return all.find('\0' + entry + '\0') != std::string::npos;
}

bool has_variable(pid_t pid, std::string_view name) {
  return environment_of(pid).find('\0' + std::string(name) + '=') != std::string::npos;
}

}  // namespace sweep::agent
