#include "container/io/scoped_folders.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <filesystem>

#include "container/io/end_processes.hpp"
#include "container/io/process_token.hpp"
#include "container/io/user_folder.hpp"
#include "util/environment.hpp"
#include "util/fields.hpp"
#include "util/json.hpp"
#include "util/os/clock.hpp"
#include "util/os/fd.hpp"
#include "util/os/files.hpp"
#include "util/os/process.hpp"
#include "util/os/run_program.hpp"
#include "util/text.hpp"

namespace sweep::container {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kMaxOwner = 64 * 1024;
constexpr std::size_t kMaxWords = 16;
constexpr Millis kEndTimeout{20'000};
constexpr const char* kShm = "/dev/shm";

Expected<void> make_folder(const std::string& path, mode_t mode = 0700) {
  if (::mkdir(path.c_str(), mode) == 0) {
    ::chmod(path.c_str(), mode);  // mkdir applies the umask
    return {};
  }
  return fail("cannot create '" + path + "': " + errno_text(errno));
}

Expected<void> write_owner(const std::string& record, const StartRequest& request, const std::string& box,
                           const std::string& shm) {
  const nlohmann::json body{{"owner", token_text(token_of(::getpid()))},
                            {"end", signal_command(request, SIGKILL)},
                            {"folders", {box, shm}}};
  return write_file_atomic(record + "/owner", body.dump() + "\n", 0600, Sync::No);
}

/// Creates `folder` and returns the path of `name` in it.
Expected<std::string> path_in(const std::string& folder, const std::string& name) {
  SWEEP_TRY(make_directories(folder));
  return folder + "/" + name;
}

/// Returns this process's supplementary groups. Docker's daemon only sets those that its command line lists,
/// and the user may need a group to read a model.
std::vector<std::string> supplementary_groups() {
  std::vector<gid_t> groups(static_cast<std::size_t>(std::max(0, ::getgroups(0, nullptr))));
  const int count = ::getgroups(static_cast<int>(groups.size()), groups.data());
  groups.resize(static_cast<std::size_t>(std::max(0, count)));
  std::vector<std::string> out;
  for (const gid_t group : groups) {
    if (group != ::getgid()) out.push_back(std::to_string(group));
  }
  return out;
}

/// Returns the deepest directory of the image above `target` if the mount point `target` must be created in
/// it. Empty if the target exists or its path contains a link.
std::string folder_for_mount_point(const std::string& image, const std::string& target) {
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

/// Makes it possible to create mount points in an image that another user owns: a directory that also exists
/// in the upper layer belongs to this user.
Expected<void> make_mount_parents(const StartRequest& request, const std::string& upper) {
  std::vector<std::string> targets = {"/dev",
                                      "/proc",
                                      "/run",
                                      "/sys",
                                      "/tmp",
                                      "/etc/hosts",
                                      "/etc/passwd",
                                      "/etc/group",
                                      "/etc/resolv.conf",
                                      request.container.workdir};
  const std::string& image = request.container.image;
  SWEEP_ASSIGN(const auto mounts, parse_mounts(request.container.mounts));
  for (const Mount& mount : mounts)
    targets.push_back(mount.target);
  for (const std::string& target : targets) {
    const std::string folder = folder_for_mount_point(image, target);
    if (folder.empty() || ::access((image + folder).c_str(), W_OK) == 0) continue;
    SWEEP_TRY(make_directories(upper + folder));
  }
  return {};
}

}  // namespace

Expected<ScopedFolders> ScopedFolders::make(const StartRequest& request) {
  SWEEP_ASSIGN(const auto own, user_folder());
  SWEEP_ASSIGN(const auto scratch, user_folder(request.container.scratch));
  SWEEP_ASSIGN(const auto memory, user_folder(kShm));
  SWEEP_ASSIGN(const auto record, path_in(own + "/containers", request.name));
  SWEEP_ASSIGN(const auto box, path_in(scratch + "/boxes", request.name));
  // A daemon's container whose supervisor was killed may still run and use the GPUs that this one gets.
  for (const RemovedContainer& left : remove_abandoned_containers(own_environment())) {
    if (left.runs) return fail(left.line + "; it must end before another container starts");
  }
  SWEEP_TRY(make_folder(record));
  ScopedFolders out;
  out.record_ = record;
  out.box_ = box;
  if (needs_shm(request.runtime)) out.folders_.shm = memory + "/" + request.name;
  // Written before anything that it describes exists.
  SWEEP_TRY(write_owner(record, request, box, out.folders_.shm));
  SWEEP_TRY(out.make_folders(request));
  return out;
}

Expected<void> ScopedFolders::make_folders(const StartRequest& request) {
  constexpr mode_t kTmpMode = 01777;  // like every /tmp: the command may run as another user in the container
  folders_.user = std::to_string(::getuid()) + ":" + std::to_string(::getgid());
  folders_.groups = supplementary_groups();
  folders_.tmp = box_ + "/tmp";
  auto made = make_folder(box_);
  if (made) made = make_folder(folders_.tmp, kTmpMode);
  if (made && uses_start_mark(request.runtime))
    made = write_file_atomic(start_mark(), kNotBegun, 0666, Sync::No);
  if (request.runtime == Runtime::Bwrap || request.runtime == Runtime::Enroot) {
    folders_.root = box_ + "/root";
    for (const std::string& path : {folders_.root, upper(), work()}) {
      if (made) made = make_folder(path, 0755);
    }
  }
  if (made && request.runtime == Runtime::Bwrap) made = make_mount_parents(request, upper());
  if (request.runtime == Runtime::Enroot) {
    folders_.rc = box_ + "/rc";
    if (made) made = write_file_atomic(folders_.rc, std::string(kRunCommand), 0644, Sync::No);
  }
  if (made && !folders_.shm.empty()) made = make_folder(folders_.shm, kTmpMode);
  return made;
}

ScopedFolders::~ScopedFolders() {
  if (record_.empty()) return;
  if (!folders_.shm.empty()) std::ignore = remove_all(folders_.shm);
  std::ignore = remove_all(box_);
  std::ignore = remove_all(record_);
}

namespace {

/// The `owner` file of a container.
struct Owner {
  bool dead = false;             // the supervisor is dead
  pid_t alive = -1;              // the supervisor's process id while it lives on this machine
  std::vector<std::string> end;  // command that ends the container; empty if it has none
  std::vector<std::string> folders;
};

Owner read_owner(const std::string& record) {
  Owner owner;
  const auto text = read_file(record + "/owner", kMaxOwner);
  struct stat info {};
  constexpr std::int64_t kMinute = 60;
  // The supervisor was killed before it wrote the file, or is about to write it.
  if (!text && ::stat(record.c_str(), &info) == 0)
    owner.dead = ::time(nullptr) - info.st_mtim.tv_sec > kMinute;
  if (!text) return owner;
  const auto body = parse_json(*text);
  Fields in(body, "owner");
  const auto token = token_in(in.text("owner", kMaxOwner));
  owner.end = in.texts("end", kMaxWords, kMaxOwner);
  owner.folders = in.texts("folders", kMaxWords, kMaxOwner);
  const auto liveness = !in.error() && token ? liveness_of(*token) : Liveness::OtherMachine;
  owner.dead = liveness == Liveness::Dead;
  if (liveness == Liveness::Alive) owner.alive = token->pid;
  return owner;
}

RemovedContainer remove_container(const std::string& record, const Owner& owner,
                                  const std::vector<std::string>& environment) {
  const std::string name = fs::path(record).filename().string();
  if (!owner.end.empty()) {
    auto ran = run_program(owner.end, {environment, kEndTimeout});
    // At the end of a step Slurm also signals this command, like all processes that slurmstepd has started.
    if (ran && ran->status.signal && !ran->late) ran = run_program(owner.end, {environment, kEndTimeout});
    if (!ran || !ran->ok())
      return {"container " + name + " may still run: " + (ran ? how_it_ended(*ran) : ran.error().message),
              true};
  }
  // Enroot and apptainer have neither a command that ends a container nor a process whose end ends all
  // others.
  for (const std::string& folder : owner.folders) {
    if (!folder.empty() && !kill_mounting(folder, kEndTimeout))
      return {"container " + name + " still runs", true};
  }
  Expected<void> removed;
  for (const std::string& folder : owner.folders) {
    // Only a directory with the container's name, in case the file was changed.
    if (removed && fs::path(folder).filename().string() == name) removed = remove_all(folder);
  }
  if (removed) removed = remove_all(record);
  return {removed ? "removed the abandoned container " + name : removed.error().message, false};
}

}  // namespace

void wait_for_supervisors(const std::vector<std::string>& environment, Millis patience) {
  const auto own = user_folder();
  const auto job = look_up(environment, "SLURM_JOB_ID"), step = look_up(environment, "SLURM_STEP_ID");
  if (!own || !job || !step) return;
  const std::string begins = "sweep-" + *job + "." + *step + ".";
  const Instant until = now() + patience;
  for (const std::string& name : names_in(*own + "/containers")) {
    if (!name.starts_with(begins)) continue;
    const std::string record = *own + "/containers/" + name;
    const pid_t supervisor = read_owner(record).alive;
    if (supervisor < 0) continue;
    const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, supervisor, 0)));
    // Read again, because the number may have been reused by another process in the meantime.
    if (!process.open() || read_owner(record).alive != supervisor) continue;
    pollfd ended{process.get(), POLLIN, 0};
    ::poll(&ended, 1, static_cast<int>(std::max<std::int64_t>(0, (until - now()).count())));
  }
}

std::vector<RemovedContainer> remove_abandoned_containers(const std::vector<std::string>& environment) {
  std::vector<RemovedContainer> done;
  const auto own = user_folder();
  if (!own) return done;
  // One process at a time on a node: two could remove the same container, or one that has just started under
  // its name.
  const Fd lock(::open((*own + "/tidying").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (lock.open()) ::flock(lock.get(), LOCK_EX);
  for (const std::string& name : names_in(*own + "/containers")) {
    const std::string record = *own + "/containers/" + name;
    if (const Owner owner = read_owner(record); owner.dead)
      done.push_back(remove_container(record, owner, environment));
  }
  return done;
}

}  // namespace sweep::container
