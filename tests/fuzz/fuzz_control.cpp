// libFuzzer target: arbitrary bytes as sweep.control, which `sweepctl status`, `cancel` and a controller that
// takes over a sweep read.
//
// An input is the file. Properties that are checked in addition to the sanitizers:
//
// - a file that was read and written again reads back the same, including its profile;
// - a rejected file gives a one-line printable message that names the file and contains no secret;
// - a file that others could read is not read.
#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "controller/io/control_file.hpp"
#include "controller/profile/record.hpp"
#include "proto/net/curve.hpp"
#include "tests/fuzz/property.hpp"
#include "tests/fuzz/scratch.hpp"

namespace sweep::fuzz {
namespace {

std::string all_of(const ControlFile& control) {
  return nlohmann::json{control.host,          control.pid,           control.endpoint, control.server_key,
                        control.client_secret, control.server_secret, control.profile}
      .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void check_message_has_no_secret(const std::string& message, const std::string& secret) {
  constexpr std::size_t kGuessed = 8;  // shorter secrets may be in a message by chance
  require(secret.size() < kGuessed || message.find(secret) == std::string::npos,
          "a message contains no secret", message);
}

void check_secret(const std::string& secret) {
  const auto key = public_key_of(secret);
  if (key) return require(key->size() == secret.size(), "a public key is as long as its secret", *key);
  require_message(key.error());
  check_message_has_no_secret(key.error().message, secret);
}

/// Returns true if `body` is a valid profile.
bool check_profile(const nlohmann::json& body) {
  const auto profile = profile::profile_from_json(body);
  if (!profile) {
    require_message(profile.error());
    return false;
  }
  const nlohmann::json written = profile::profile_to_json(*profile);
  const auto again = profile::profile_from_json(written);
  require(again.has_value() && profile::profile_to_json(*again) == written, "a profile reads back");
  return true;
}

void check(std::string_view input) {
  static const Scratch kScratch;
  const std::string directory = kScratch.path(), file = kScratch.path("sweep.control");
  put_file(file, input);
  const auto control = read_control_file(directory);
  require(!control || control->has_value(), "an existing file is not overlooked");
  require(::chmod(file.c_str(), 0640) == 0 && !read_control_file(directory),
          "a file that others can read is not read");
  ::unlink(file.c_str());
  if (!control) {
    require_message(control.error());
    require(control.error().message.find("sweep.control") != std::string::npos, "a message names the file");
    return;
  }
  check_secret((*control)->server_secret);
  check_secret((*control)->client_secret);
  if (!check_profile((*control)->profile)) return;  // nothing else uses such a file
  require(write_control_file(directory, **control).has_value(),
          "a control file that was read can be written");
  struct stat info {};
  require(::stat(file.c_str(), &info) == 0 && (info.st_mode & 07777) == 0600,
          "only its owner can read the file");
  const auto again = read_control_file(directory);
  require(again && again->has_value(), "a written control file can be read",
          again ? "" : again.error().message);
  // The first write replaces invalid UTF-8.
  require(write_control_file(directory, **again).has_value(), "a control file that was read can be written");
  const auto third = read_control_file(directory);
  require(third && third->has_value() && all_of(**third) == all_of(**again),
          "a written control file reads back the same");
  ::unlink(file.c_str());
}

}  // namespace
}  // namespace sweep::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  sweep::fuzz::check({reinterpret_cast<const char*>(data), size});
  return 0;
}
