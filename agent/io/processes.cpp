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

std::string environment_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/environ", std::ios::binary);
  const std::string environment(std::istreambuf_iterator<char>(file), {});
  return environment.empty() ? "" : '\0' + environment + '\0';
}

bool has_entry(std::string_view environment, const std::string& entry) {
  return environment.find('\0' + entry + '\0') != std::string_view::npos;
}

bool has_variable(std::string_view environment, std::string_view name) {
  return environment.find('\0' + std::string(name) + '=') != std::string_view::npos;
}

std::optional<bool> was_started_with(pid_t pid, const std::string& entry) {
  const std::string all = environment_of(pid);
  if (all.empty()) return std::nullopt;
  return has_entry(all, entry);
}

}  // namespace sweep::agent
