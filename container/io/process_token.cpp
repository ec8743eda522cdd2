#include "container/io/process_token.hpp"

#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "util/os/files.hpp"
#include "util/text.hpp"

namespace sweep::container {

namespace {

std::string first_word(const char* path) {
  std::ifstream file(path);
  std::string word;
  file >> word;
  return word;
}

/// Returns the 22nd field of /proc/PID/stat; empty if there is no such process, or it is a zombie.
std::string start_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(file, line);
  const auto name_end = line.rfind(')');
  if (name_end == std::string::npos) return {};
  const auto fields = split(std::string_view(line).substr(std::min(name_end + 2, line.size())), ' ');
  constexpr std::size_t kState = 0, kStart = 19;
  if (fields.size() <= kStart || fields[kState] == "Z" || fields[kState] == "X") return {};
  return fields[kStart];
}

/// Returns ProcessToken::host of this process: HOST+BOOT+NAMESPACE.
std::string this_host() {
  char space[64] = "";
  const ssize_t got = ::readlink("/proc/self/ns/pid", space, sizeof space - 1);
  const std::string name = got > 0 ? std::string(space, static_cast<std::size_t>(got)) : "";
  const std::string boot = first_word("/proc/sys/kernel/random/boot_id");
  std::string number;
  for (const char c : name) {
    if (c >= '0' && c <= '9') number += c;
  }
  return file_safe(host_name()) + "+" + boot.substr(0, 8) + "+" + number;
}

/// Returns true if both are the same machine before and after a reboot.
bool differ_in_boot(const std::string& a, const std::string& b) {
  const auto x = split(a, '+'), y = split(b, '+');
  return x.size() == 3 && y.size() == 3 && x[0] == y[0] && x[1] != y[1];
}

}  // namespace

ProcessToken token_of(pid_t pid) {
  static const std::string host = this_host();
  return {host, pid, start_of(pid)};
}

std::string token_text(const ProcessToken& token) {
  return token.host + "~" + std::to_string(token.pid) + "~" + token.start;
}

std::optional<ProcessToken> token_in(const std::string& text) {
  const auto parts = split(text, '~');
  if (parts.size() != 3 || parts[0].empty() || parts[1].empty() || parts[1].size() > 9) return std::nullopt;
  if (parts[1].find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
  return ProcessToken{parts[0], static_cast<pid_t>(std::stol(parts[1])), parts[2]};
}

Liveness liveness_of(const ProcessToken& token) {
  const ProcessToken now = token_of(token.pid);
  if (now.host == token.host)
    return now.start == token.start && !token.start.empty() ? Liveness::Alive : Liveness::Dead;
  // A token from before a reboot: its process is dead.
  return differ_in_boot(now.host, token.host) ? Liveness::Dead : Liveness::OtherMachine;
}

}  // namespace sweep::container
