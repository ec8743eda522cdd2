#include "agent/io/machine.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "proto/base/workspace_text.hpp"
#include "util/os/fd.hpp"
#include "util/os/files.hpp"

namespace sweep::agent {

namespace {

constexpr std::int64_t kNsPerSecond = 1'000'000'000;

Expected<int> bound_port(int socket) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_ANY);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(socket, generic, size) != 0 || ::getsockname(socket, generic, &size) != 0) {
    return fail("cannot find a free port: " + errno_text(errno));
  }
  return ntohs(address.sin_port);
}

}  // namespace

FileStamp stamp_from(const struct stat& info) {
  return {info.st_dev, info.st_ino, static_cast<std::uint64_t>(info.st_size),
          info.st_mtim.tv_sec * kNsPerSecond + info.st_mtim.tv_nsec};
}

Expected<int> free_port(const std::vector<int>& in_use) {
  // All sockets stay bound until the end, so that each one gets another port.
  std::vector<Fd> sockets;
  for (std::size_t i = 0; i <= in_use.size(); ++i) {
    sockets.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!sockets.back().open()) return fail("cannot find a free port: " + errno_text(errno));
    auto port = bound_port(sockets.back().get());
    if (!port) return port;
    if (std::find(in_use.begin(), in_use.end(), *port) == in_use.end()) return port;
  }
  return fail("cannot find a free port");
}

std::string kernel_name() {
  utsname names{};
  return ::uname(&names) == 0 ? std::string(names.sysname) + " " + names.release : std::string();
}

std::vector<std::string> device_names() {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& item : std::filesystem::directory_iterator("/dev", ignored)) {
    names.push_back(item.path().filename().string());
  }
  return names;
}

std::optional<FileStamp> stamp_of(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return std::nullopt;
  return stamp_from(info);
}

std::string result_folder_problem(const std::string& result_path) {
  const std::string folder = result_path.substr(0, result_path.rfind('/') + 1);
  struct stat info {};
  if (folder.empty() || ::stat(folder.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) return {};
  if (::eaccess(folder.c_str(), W_OK | X_OK) == 0) return {};
  const int code = errno;
  if (code == EACCES && ::eaccess(result_path.c_str(), W_OK) == 0) return {};
  return unwritable_workspace(folder, errno_text(code));
}

ResultRead read_result(const AttemptRef& ref, const std::string& path) {
  ResultRead result;
  result.ref = ref;
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    if (errno != ENOENT) result.problem = "cannot read '" + path + "': " + errno_text(errno);
    return result;
  }
  result.stamp = stamp_from(info);
  if (S_ISREG(info.st_mode) && result.stamp->bytes > wire::kMaxBulkBytes) return result;
  auto bytes = read_file(path, wire::kMaxBulkBytes);
  if (bytes) {
    result.bytes = std::move(*bytes);
  } else {
    result.problem = bytes.error().message;
  }
  return result;
}

void remove_if_unchanged(const std::string& path, const FileStamp& stamp) {
  if (stamp_of(path) == stamp) ::unlink(path.c_str());
}

}  // namespace sweep::agent
