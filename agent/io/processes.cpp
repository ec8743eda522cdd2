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

std::optional<bool> was_started_with(pid_t pid, const std::string& entry) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/environ", std::ios::binary);
  const std::string environment(std::istreambuf_iterator<char>(file), {});
  if (environment.empty()) return std::nullopt;
  const std::string all = '\0' + environment + '\0';
  return all.find('\0' + entry + '\0') != std::string::npos;
}

}  // namespace sweep::agent
