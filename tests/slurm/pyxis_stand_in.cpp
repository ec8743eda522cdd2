// A stand-in for pyxis, for steps that run entirely in an image. It reads the same variables of the step as
// pyxis (PYXIS_CONTAINER_IMAGE, _MOUNTS, _WORKDIR) at the same hook, and moves the task into a folder that
// represents the image, with bind mounts and chroot in a user namespace. It has no other function of pyxis;
// only a cluster with pyxis can test those.
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <string>

extern "C" {
#include <slurm/spank.h>
// Const objects have internal linkage unless they are declared extern.
extern const char plugin_name[];
extern const char plugin_type[];
extern const unsigned int plugin_version;
extern const unsigned int spank_plugin_version;
SPANK_PLUGIN(pyxis_stand_in, 1)
int slurm_spank_task_init(spank_t spank, int, char**);  // NOLINT(readability-redundant-declaration)
}

namespace {

std::string variable(spank_t spank, const char* name) {
  char value[PATH_MAX];  // the same size as in pyxis
  return spank_getenv(spank, name, value, sizeof value) == ESPANK_SUCCESS ? value : "";
}

bool write_file(const char* path, const std::string& text) {
  const int fd = open(path, O_WRONLY | O_CLOEXEC);
  const bool good = fd >= 0 && write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  close(fd);
  return good;
}

bool own_namespaces() {
  const std::string uid = std::to_string(getuid()), gid = std::to_string(getgid());
  prctl(PR_SET_DUMPABLE, 1);  // the process was root, so /proc/self would still belong to root
  return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && write_file("/proc/self/setgroups", "deny") &&
         write_file("/proc/self/uid_map", uid + " " + uid + " 1") &&
         write_file("/proc/self/gid_map", gid + " " + gid + " 1");
}

// Creates the mount point, as x-create=auto does.
void make_target(const std::string& source, const std::string& target) {
  for (std::size_t at = 1; (at = target.find('/', at)) != std::string::npos; ++at)
    mkdir(target.substr(0, at).c_str(), 0755);
  struct stat info {};
  if (stat(source.c_str(), &info) == 0 && !S_ISDIR(info.st_mode)) {
    close(open(target.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  } else {
    mkdir(target.c_str(), 0755);
  }
}

// Mounts SOURCE:TARGET[:FLAGS] below root.
bool mount_one(const std::string& root, const std::string& text) {
  const std::size_t first = text.find(':'), second = text.find(':', first + 1);
  const std::string source = text.substr(0, first),
                    target = root + text.substr(first + 1, second - first - 1);
  make_target(source, target);
  if (source == "tmpfs") return mount("tmpfs", target.c_str(), "tmpfs", 0, "mode=1777") == 0;
  return mount(source.c_str(), target.c_str(), nullptr, MS_BIND | MS_REC, nullptr) == 0;
}

bool enter(const std::string& root, std::string mounts, const std::string& workdir) {
  if (!own_namespaces() || mount(root.c_str(), root.c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0)
    return false;
  // The mounts that enroot always has: devices, processes, and the files for name resolution.
  mounts = "/dev:/dev,/proc:/proc,/etc/hosts:/etc/hosts,/etc/resolv.conf:/etc/resolv.conf," + mounts;
  for (std::size_t at = 0; at <= mounts.size();) {
    const std::size_t end = std::min(mounts.find(',', at), mounts.size());
    if (!mount_one(root, mounts.substr(at, end - at))) return false;
    at = end + 1;
  }
  return chroot(root.c_str()) == 0 && chdir(workdir.c_str()) == 0;
}

}  // namespace

int slurm_spank_task_init(spank_t spank, int, char**) {
  const std::string image = variable(spank, "PYXIS_CONTAINER_IMAGE");
  if (image.empty()) return 0;
  if (enter(image, variable(spank, "PYXIS_CONTAINER_MOUNTS"), variable(spank, "PYXIS_CONTAINER_WORKDIR")))
    return 0;
  slurm_error("stand-in for pyxis: %s", strerror(errno));
  return -1;
}
