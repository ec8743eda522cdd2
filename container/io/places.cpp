#include "container/io/places.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>

#include "container/io/claim.hpp"
#include "container/io/run.hpp"
#include "container/io/store.hpp"
#include "proto/base/fields.hpp"
#include "proto/base/text.hpp"
#include "proto/net/files.hpp"

namespace sweep::container {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kMaxOwner = 64 * 1024;
constexpr Millis kForEnding{20'000};
constexpr const char* kShm = "/dev/shm";

Expected<void> make_folder(const std::string& path, mode_t mode = 0700) {
  if (::mkdir(path.c_str(), mode) == 0) {
    ::chmod(path.c_str(), mode);  // whatever the umask says
    return {};
  }
  return fail("cannot make '" + path + "': " + errno_text(errno));
}

Expected<void> write_owner(const std::string& folder, const StartRequest& request, const std::string& shm) {
  const nlohmann::json body{
      {"owner", token_text(token_of(::getpid()))}, {"end", signal_command(request, SIGKILL)}, {"shm", shm}};
  return write_file_atomic(folder + "/owner", body.dump() + "\n", 0600, Sync::No);
}

}  // namespace

Expected<OwnPlaces> OwnPlaces::make(const StartRequest& request) {
  const auto own = own_folder(request.scratch);
  if (!own) return tl::unexpected(own.error());
  if (const auto made = make_directories(*own + "/containers"); !made) return tl::unexpected(made.error());
  const std::string folder = *own + "/containers/" + request.name;
  if (const auto made = make_folder(folder); !made) return tl::unexpected(made.error());
  OwnPlaces out(folder);
  Places& places = out.places_;
  places.user = std::to_string(::getuid()) + ":" + std::to_string(::getgid());
  places.tmp = folder + "/tmp";
  constexpr mode_t kTmpMode = 01777;  // as every /tmp: the command may run as another user inside
  auto made = make_folder(places.tmp, kTmpMode);
  if (made && request.runtime == Runtime::Bwrap) {
    places.root = folder + "/root";
    for (const std::string& path : {places.root, out.upper(), out.work()}) {
      if (made) made = make_folder(path, 0755);
    }
  }
  if (made && needs_shm(request.runtime)) {
    const auto base = own_folder(kShm);
    made = base ? Expected<void>() : tl::unexpected(base.error());
    if (made) places.shm = *base + "/" + request.name;
    if (made) made = make_folder(places.shm, kTmpMode);
  }
  if (made) made = write_owner(folder, request, places.shm);
  if (!made) return tl::unexpected(made.error());
  return out;
}

OwnPlaces::~OwnPlaces() {
  if (folder_.empty()) return;
  if (!places_.shm.empty()) std::ignore = remove_all(places_.shm);
  std::ignore = remove_all(folder_);
}

namespace {

/// Whether nobody lives who would do this; how to end it, where there is something to end.
struct Left {
  bool dead = false;
  std::vector<std::string> end;
  std::string shm;
};

Left look_at(const std::string& folder) {
  const auto text = read_file(folder + "/owner", kMaxOwner);
  if (!text) return {};  // about to be made, or not ours
  const auto body = parse_json(*text);
  Fields in(body, "owner");
  const auto token = token_in(in.text("owner", kMaxOwner));
  Left left;
  left.end = in.texts("end", 16, kMaxOwner);
  left.shm = in.text("shm", kMaxOwner);
  if (!left.shm.starts_with(std::string(kShm) + "/slurm-sweep-") || left.shm.find("..") != std::string::npos)
    left.shm.clear();
  left.dead = !in.error() && token && life_of(*token) == Life::Dead;
  return left;
}

}  // namespace

std::vector<std::string> tidy(const std::string& scratch, const std::vector<std::string>& environment) {
  std::vector<std::string> done;
  const auto own = own_folder(scratch);
  if (!own) return done;
  std::error_code code;
  std::vector<std::string> folders;
  for (const auto& item : fs::directory_iterator(*own + "/containers", code))
    folders.push_back(item.path().string());
  for (const std::string& folder : folders) {
    const Left left = look_at(folder);
    if (!left.dead) continue;
    const std::string name = fs::path(folder).filename().string();
    if (!left.end.empty()) {
      const auto ran = run_program(left.end, environment, kForEnding);
      if (!ran || !ran->ok()) {
        done.push_back("container " + name +
                       " may still run: " + (ran ? how_it_ended(*ran) : ran.error().message));
        continue;
      }
    }
    if (!left.shm.empty()) std::ignore = remove_all(left.shm);
    const auto removed = remove_all(folder);
    done.push_back(removed ? "removed what was left of container " + name : removed.error().message);
  }
  return done;
}

}  // namespace sweep::container
