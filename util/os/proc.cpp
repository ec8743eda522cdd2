#include "util/os/proc.hpp"

#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
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
  for (const auto& task :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task", code)) {
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

std::vector<pid_t> children_of_main_thread() {
  const std::string self = std::to_string(::getpid());
  std::ifstream file("/proc/self/task/" + self + "/children");
  return {std::istream_iterator<pid_t>(file), std::istream_iterator<pid_t>()};
}

std::string initial_environment(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/environ", std::ios::binary);
  const std::string environment(std::istreambuf_iterator<char>(file), {});
  return environment.empty() ? "" : '\0' + environment + '\0';
}

bool may_be_in_exec(pid_t pid) {
  constexpr unsigned long kKernelThread = 0x00200000;  // PF_KTHREAD
  const std::string folder = "/proc/" + std::to_string(pid);
  std::ifstream environ_file(folder + "/environ", std::ios::binary);
  if (!environ_file.is_open() || environ_file.peek() != std::ifstream::traits_type::eof()) return false;
  std::ifstream file(folder + "/stat");
  const std::string all(std::istreambuf_iterator<char>(file), {});
  if (all.rfind(')') == std::string::npos) return false;
  // The name is in parentheses and may contain any character.
  std::istringstream fields(all.substr(all.rfind(')') + 1));
  char state = 'X';
  long parent = 0, group = 0, session = 0, terminal = 0, terminal_group = 0;
  unsigned long flags = kKernelThread;
  fields >> state >> parent >> group >> session >> terminal >> terminal_group >> flags;
  return state != 'Z' && state != 'X' && (flags & kKernelThread) == 0;
}

bool environment_has_entry(std::string_view environment, const std::string& entry) {
  return environment.find('\0' + entry + '\0') != std::string_view::npos;
}

bool environment_has_variable(std::string_view environment, std::string_view name) {
  return environment.find('\0' + std::string(name) + '=') != std::string_view::npos;
}

std::optional<bool> was_started_with(pid_t pid, const std::string& entry) {
  const std::string all = initial_environment(pid);
  if (all.empty()) return std::nullopt;
  return environment_has_entry(all, entry);
}

}  // namespace sweep
