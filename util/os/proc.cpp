#include "util/os/proc.hpp"

#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace sweep {

std::vector<pid_t> other_processes() {
  std::vector<pid_t> out;
  std::error_code code;
  for (std::filesystem::directory_iterator at("/proc", code), end; !code && at != end; at.increment(code)) {
    const std::string name = at->path().filename().string();
    const char* const last = name.data() + name.size();
    pid_t pid = 0;
    const auto [stop, error] = std::from_chars(name.data(), last, pid);
    if (error == std::errc() && stop == last && pid > 1 && pid != ::getpid()) out.push_back(pid);
  }
  return out;
}

std::vector<pid_t> children_of(pid_t pid) {
  std::vector<pid_t> out;
  std::error_code code;
  for (const auto& task : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task", code)) {
    std::ifstream file(task.path() / "children");
    out.insert(out.end(), std::istream_iterator<pid_t>(file), std::istream_iterator<pid_t>());
  }
  return out;
}

std::vector<pid_t> descendants_of(pid_t pid) {
  std::vector<pid_t> out = children_of(pid);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto more = children_of(out[i]);
    out.insert(out.end(), more.begin(), more.end());
  }
  return out;
}

}  // namespace sweep
