#include "container/io/places.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <filesystem>

#include "container/io/claim.hpp"
#include "container/io/descendants.hpp"
#include "container/io/store.hpp"
#include "util/fields.hpp"
#include "util/json.hpp"
#include "util/os/files.hpp"
#include "util/os/process.hpp"
#include "util/os/run_program.hpp"
#include "util/text.hpp"

namespace sweep::container {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kMaxOwner = 64 * 1024;
constexpr std::size_t kMaxWords = 16;
constexpr Millis kForEnding{20'000};
constexpr const char* kShm = "/dev/shm";

Expected<void> make_folder(const std::string& path, mode_t mode = 0700) {
  if (::mkdir(path.c_str(), mode) == 0) {
    ::chmod(path.c_str(), mode);  // whatever the umask says
    return {};
  }
  return fail("cannot make '" + path + "': " + errno_text(errno));
}

Expected<void> write_owner(const std::string& record, const StartRequest& request, const std::string& box,
                           const std::string& shm) {
  const nlohmann::json body{{"owner", token_text(token_of(::getpid()))},
                            {"end", signal_command(request, SIGKILL)},
                            {"folders", {box, shm}}};
  return write_file_atomic(record + "/owner", body.dump() + "\n", 0600, Sync::No);
}

/// Below `folder`, which is made where it is not there.
Expected<std::string> place_in(const std::string& folder, const std::string& name) {
  if (const auto made = make_directories(folder); !made) return tl::unexpected(made.error());
  return folder + "/" + name;
}

/// Docker's daemon gives those that it is told alone, and a group may be what lets the user read a model.
std::vector<std::string> further_groups() {
  std::vector<gid_t> groups(static_cast<std::size_t>(std::max(0, ::getgroups(0, nullptr))));
  const int count = ::getgroups(static_cast<int>(groups.size()), groups.data());
  groups.resize(static_cast<std::size_t>(std::max(0, count)));
  std::vector<std::string> out;
  for (const gid_t group : groups) {
    if (group != ::getgid()) out.push_back(std::to_string(group));
  }
  return out;
}

/// Where what is to be mounted at `target` has to be made in the image: its deepest folder above that. Empty
/// where the target is there, or a link leads to it.
std::string lacking(const std::string& image, const std::string& target) {
  std::string folder;
  for (std::size_t at = 0; at != std::string::npos;) {
    const std::size_t end = target.find('/', at + 1);
    const std::string next = target.substr(0, end);
    struct stat info {};
    if (::lstat((image + next).c_str(), &info) != 0) return folder.empty() ? "/" : folder;
    if (S_ISLNK(info.st_mode) || !S_ISDIR(info.st_mode)) return {};
    folder = next;
    at = end;
    if (end == target.size() - 1) break;
  }
  return {};
}

/// An image that is another user's folder has places to mount at made in the layer over it: a folder that is
/// in both is this user's.
Expected<void> lend_folders(const StartRequest& request, const std::string& upper) {
  std::vector<std::string> targets = {"/dev",         "/proc",      "/run",
                                      "/sys",         "/tmp",       "/etc/hosts",
                                      "/etc/passwd",  "/etc/group", "/etc/resolv.conf",
                                      request.workdir};
  for (const Mount& mount : request.mounts)
    targets.push_back(mount.target);
  for (const std::string& target : targets) {
    const std::string folder = lacking(request.image, target);
    if (folder.empty() || ::access((request.image + folder).c_str(), W_OK) == 0) continue;
    if (const auto made = make_directories(upper + folder); !made) return made;
  }
  return {};
}

}  // namespace

Expected<OwnPlaces> OwnPlaces::make(const StartRequest& request) {
  const auto own = own_folder(), scratch = own_folder(request.scratch), memory = own_folder(kShm);
  for (const auto* folder : {&own, &scratch, &memory}) {
    if (!*folder) return tl::unexpected(folder->error());
  }
  const auto record = place_in(*own + "/containers", request.name),
             box = place_in(*scratch + "/boxes", request.name);
  if (!record || !box) return tl::unexpected((record ? box : record).error());
  // Of a supervisor that was killed, a daemon's container may go on, on the GPUs that this one is to have.
  for (const RemovedContainer& left : tidy(own_environment())) {
    if (left.runs) return fail(left.line + "; it has to end before the next one begins");
  }
  if (const auto made = make_folder(*record); !made) return tl::unexpected(made.error());
  OwnPlaces out;
  out.record_ = *record;
  out.box_ = *box;
  if (needs_shm(request.runtime)) out.places_.shm = *memory + "/" + request.name;
  // Before there is anything that it tells of.
  auto made = write_owner(*record, request, *box, out.places_.shm);
  if (made) made = out.make_folders(request);
  if (!made) return tl::unexpected(made.error());
  return out;
}

Expected<void> OwnPlaces::make_folders(const StartRequest& request) {
  constexpr mode_t kTmpMode = 01777;  // as every /tmp: the command may run as another user inside
  places_.user = std::to_string(::getuid()) + ":" + std::to_string(::getgid());
  places_.groups = further_groups();
  places_.tmp = box_ + "/tmp";
  auto made = make_folder(box_);
  if (made) made = make_folder(places_.tmp, kTmpMode);
  if (made && tells_by_mark(request.runtime)) made = write_file_atomic(mark(), kNotBegun, 0666, Sync::No);
  if (request.runtime == Runtime::Bwrap || request.runtime == Runtime::Enroot) {
    places_.root = box_ + "/root";
    for (const std::string& path : {places_.root, upper(), work()}) {
      if (made) made = make_folder(path, 0755);
    }
  }
  if (made && request.runtime == Runtime::Bwrap) made = lend_folders(request, upper());
  if (request.runtime == Runtime::Enroot) {
    places_.rc = box_ + "/rc";
    if (made) made = write_file_atomic(places_.rc, std::string(kRunCommand), 0644, Sync::No);
  }
  if (made && !places_.shm.empty()) made = make_folder(places_.shm, kTmpMode);
  return made;
}

OwnPlaces::~OwnPlaces() {
  if (record_.empty()) return;
  if (!places_.shm.empty()) std::ignore = remove_all(places_.shm);
  std::ignore = remove_all(box_);
  std::ignore = remove_all(record_);
}

namespace {

/// Whether nobody lives who would do this; how to end it, where there is something to end.
struct Left {
  bool dead = false;
  std::vector<std::string> end, folders;
};

Left look_at(const std::string& record) {
  Left left;
  const auto text = read_file(record + "/owner", kMaxOwner);
  struct stat info {};
  constexpr std::int64_t kMinute = 60;
  // Killed before it could write that down; or about to.
  if (!text && ::stat(record.c_str(), &info) == 0)
    left.dead = ::time(nullptr) - info.st_mtim.tv_sec > kMinute;
  if (!text) return left;
  const auto body = parse_json(*text);
  Fields in(body, "owner");
  const auto token = token_in(in.text("owner", kMaxOwner));
  left.end = in.texts("end", kMaxWords, kMaxOwner);
  left.folders = in.texts("folders", kMaxWords, kMaxOwner);
  left.dead = !in.error() && token && life_of(*token) == Life::Dead;
  return left;
}

RemovedContainer tidied(const std::string& record, const Left& left,
                        const std::vector<std::string>& environment) {
  const std::string name = fs::path(record).filename().string();
  if (!left.end.empty()) {
    auto ran = run_program(left.end, {environment, kForEnding});
    // At the end of a step Slurm signals all that slurmstepd has started, this too.
    if (ran && ran->status.signal && !ran->late) ran = run_program(left.end, {environment, kForEnding});
    if (!ran || !ran->ok())
      return {"container " + name + " may still run: " + (ran ? how_it_ended(*ran) : ran.error().message),
              true};
  }
  // Enroot and apptainer have no command that ends a container, and no process whose end takes the others
  // along.
  for (const std::string& folder : left.folders) {
    if (!folder.empty() && !end_inside(folder, kForEnding))
      return {"container " + name + " still runs", true};
  }
  Expected<void> removed;
  for (const std::string& folder : left.folders) {
    // Only what is named as this container is: whatever may stand there.
    if (removed && fs::path(folder).filename().string() == name) removed = remove_all(folder);
  }
  if (removed) removed = remove_all(record);
  return {removed ? "removed what was left of container " + name : removed.error().message, false};
}

}  // namespace

std::vector<RemovedContainer> tidy(const std::vector<std::string>& environment) {
  std::vector<RemovedContainer> done;
  const auto own = own_folder();
  if (!own) return done;
  // One at a time on a node: two would remove the same container, or one that has just begun under its name.
  const Fd lock(::open((*own + "/tidying").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (lock.open()) ::flock(lock.get(), LOCK_EX);
  for (const std::string& name : names_in(*own + "/containers")) {
    const std::string record = *own + "/containers/" + name;
    if (const Left left = look_at(record); left.dead) done.push_back(tidied(record, left, environment));
  }
  return done;
}

}  // namespace sweep::container
