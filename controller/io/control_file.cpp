#include "controller/io/control_file.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <limits>
#include <tuple>

#include "util/fields.hpp"
#include "util/json.hpp"
#include "util/os/beneath.hpp"
#include "util/shell_word.hpp"

namespace sweep {

namespace {

constexpr std::size_t kMaxBytes = 4 * 1024 * 1024;
constexpr std::size_t kMaxControlText = 4096;
constexpr const char* kControlName = "sweep.control";

std::string control_path(const std::string& directory) {
  return directory + "/" + kControlName;
}

}  // namespace

Expected<void> write_control_file(const std::string& directory, const ControlFile& control) {
  const nlohmann::ordered_json body = {{"host", control.host},
                                       {"pid", control.pid},
                                       {"endpoint", control.endpoint},
                                       {"server_key", control.server_key},
                                       {"client_secret", control.client_secret},
                                       {"server_secret", control.server_secret},
                                       {"profile", control.profile}};
  return write_beneath(directory, kControlName,
                       body.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n",
                       0600);
}

Expected<std::optional<ControlFile>> read_control_file(const std::string& directory) {
  const std::string path = control_path(directory);
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return std::optional<ControlFile>();
    return fail("cannot read '" + path + "': " + errno_text(errno));
  }
  if (!S_ISREG(info.st_mode)) return fail("'" + path + "' is not a regular file; remove it");
  if (info.st_uid != ::geteuid() && ::geteuid() != 0)
    return fail("'" + path + "' belongs to another user (uid " + std::to_string(info.st_uid) + ")");
  if ((info.st_mode & 077) != 0)
    return fail("'" + path + "' can be read by other users; remove it or run: chmod 600 " + shell_word(path));
  SWEEP_ASSIGN(const auto text, read_file(path, kMaxBytes));
  const auto body = parse_json(text);
  Fields in(body, path);
  ControlFile control;
  control.host = in.text("host", kMaxControlText);
  control.pid = in.integer("pid", 1, std::numeric_limits<std::int64_t>::max());
  control.endpoint = in.text("endpoint", kMaxControlText);
  control.server_key = in.text("server_key", kMaxControlText);
  control.client_secret = in.text("client_secret", kMaxControlText);
  control.server_secret = in.text("server_secret", kMaxControlText);
  control.profile = in.child("profile");
  if (in.error()) return fail(*in.error());
  return std::optional(control);
}

void remove_control_file(const std::string& directory) {
  std::ignore = remove_beneath(directory, kControlName);
}

}  // namespace sweep
