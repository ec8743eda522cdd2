#include "util/os/proc.hpp"

#include <unistd.h>

#include <charconv>
#include <filesystem>
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

}  // namespace sweep
