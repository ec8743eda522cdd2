#include "agent/io/artifact_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <filesystem>

#include "agent/io/machine.hpp"
#include "proto/base/account.hpp"
#include "util/os/beneath.hpp"
#include "util/os/files.hpp"
#include "util/text.hpp"

namespace sweep::agent {

namespace {

constexpr std::size_t kMostFound = 20'000;  // files that are looked at
constexpr int kDeepestFolder = 16;
constexpr std::size_t kCopyBuffer = std::size_t{1} << 20;
constexpr int kBuffersPerStep = 8;
constexpr std::uint64_t kSpareRoom = std::uint64_t{256} << 20;  // that stays free on the spool's disk

/// Returns the path without links, because the directory itself may be one.
std::string real_path(const std::string& path) {
  char resolved[PATH_MAX];
  return ::realpath(path.c_str(), resolved) != nullptr ? resolved : path;
}

/// Collects what find_artifacts() returns.
class Finder {
 public:
  explicit Finder(std::string root) : root_(std::move(root)) {}

  /// Adds the files in `folder`. Their names begin after `base`; `own`: all files count.
  void visit(const std::string& folder, const std::string& base, bool own, int depth) {
    for (const std::string& name : names_beneath(root_, folder)) {
      const std::string path = folder.empty() ? name : folder + "/" + name;
      const std::string shown = path.substr(base.size());
      // A workspace may have thousands of other files, on a slow file system.
      if (!own && !is_artifact(shown) && !may_have_artifacts(shown)) continue;
      const auto info = properties(path);
      if (!info || found_.size() >= kMostFound) continue;
      if (S_ISDIR(info->st_mode)) {
        if (depth < kDeepestFolder && (own || may_have_artifacts(shown))) visit(path, base, own, depth + 1);
      } else if (own || is_artifact(shown)) {
        found_.push_back({shown, stamp_from(*info), own, S_ISREG(info->st_mode)});
      }
    }
  }
  std::vector<FoundFile> take() { return std::move(found_); }

 private:
  /// Returns what `path` is, without following a link.
  std::optional<struct stat> properties(const std::string& path) const {
    struct stat info {};
    if (::lstat((root_ + "/" + path).c_str(), &info) != 0) return std::nullopt;
    return info;
  }

  std::string root_;
  std::vector<FoundFile> found_;
};

bool has_room(const std::string& folder, std::int64_t bytes) {
  struct statvfs info {};
  if (::statvfs(folder.c_str(), &info) != 0) return true;
  return info.f_bavail * info.f_frsize >= static_cast<std::uint64_t>(bytes) + kSpareRoom;
}

}  // namespace

std::string directory_id(const std::string& directory) {
  struct statx info {};
  if (::statx(AT_FDCWD, directory.c_str(), 0, STATX_INO | STATX_BTIME, &info) != 0) return {};
  std::string out = std::to_string(info.stx_ino);
  // Directories on the disks of two nodes may have the same number, but were not made at the same time.
  if ((info.stx_mask & STATX_BTIME) != 0)
    out += "." + std::to_string(info.stx_btime.tv_sec) + "." + std::to_string(info.stx_btime.tv_nsec);
  return out;
}

bool create_own_folder(const std::string& directory, const std::string& folder) {
  const std::string root = real_path(directory);
  if (!make_folders_beneath(root, folder.substr(0, folder.rfind('/')))) return false;
  const std::string path = root + "/" + folder;
  return ::mkdir(path.c_str(), 0777) == 0 &&
         ::mkdir((path + "/" + std::string(kOwnResults)).c_str(), 0777) == 0;
}

void remove_own_folder(const std::string& directory, const std::string& folder) {
  const std::string root = real_path(directory);
  std::ignore = remove_tree_beneath(root, folder);
  ::rmdir((root + "/" + folder.substr(0, folder.rfind('/'))).c_str());  // fails unless it is empty
}

std::vector<FoundFile> find_artifacts(const std::string& directory, const std::string& own_folder) {
  Finder finder(real_path(directory));
  finder.visit("", "", false, 0);
  if (!own_folder.empty()) finder.visit(own_folder, own_folder + "/", true, 0);
  return finder.take();
}

void ArtifactCopier::start(const CollectFiles& what, const std::string& folder) {
  Job job;
  job.ref = what.ref;
  job.directory = real_path(what.directory);
  job.own_folder = what.own_folder;
  job.folder = folder;
  Choice choice = choose_artifacts(find_artifacts(what.directory, what.own_folder), what.old_files,
                                   what.result_name, what.most_bytes);
  job.items = std::move(choice.items);
  job.left_out = std::move(choice.left_out);
  if (job.items.empty()) return report(job);
  std::int64_t bytes = 0;
  for (const Choice::Item& item : job.items)
    bytes += item.file.bytes;
  if (::mkdir(folder.c_str(), 0700) != 0)
    return give_up(job, "cannot create '" + folder + "': " + errno_text(errno));
  if (!has_room(folder, bytes))
    return give_up(job, "no room for " + std::to_string(bytes) + " bytes in the spool '" + folder + "'");
  jobs_.push_back(std::move(job));
}

void ArtifactCopier::stop(const AttemptRef& ref) {
  const auto job = std::find_if(jobs_.begin(), jobs_.end(), [&](const Job& j) { return j.ref == ref; });
  if (job == jobs_.end()) return;
  give_up(*job, kStoppedFirst);
  jobs_.erase(job);
}

void ArtifactCopier::step() {
  if (jobs_.empty()) return;
  Job& job = jobs_.front();
  for (int i = 0; i < kBuffersPerStep && job.next < job.items.size(); ++i) {
    if (!job.from.open() && !open_next(job)) continue;
    copy(job);
  }
  if (job.next < job.items.size()) return;
  if (!job.items.empty()) report(job);
  jobs_.pop_front();
}

/// Opens the next file and its copy. Returns false if that is not possible, and goes on to the one after it.
bool ArtifactCopier::open_next(Job& job) {
  const FoundFile& source = job.items[job.next].source;
  const std::string path = source.own ? job.own_folder + "/" + source.name : source.name;
  auto from = open_beneath(job.directory, path, O_RDONLY);
  if (!from) {
    job.left_out.push_back(printable(source.name) + ": " + printable(from.error().message));
    ++job.next;
    return false;
  }
  const std::string copy = job.folder + "/" + std::to_string(job.done.size());
  job.to = Fd(::open(copy.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!job.to.open()) {
    give_up(job, "cannot write '" + copy + "': " + errno_text(errno));
    return false;
  }
  job.from = std::move(*from);
  job.copied = 0;
  return true;
}

void ArtifactCopier::copy(Job& job) {
  buffer_.resize(kCopyBuffer);
  const ssize_t got = ::read(job.from.get(), buffer_.data(), buffer_.size());
  if (got < 0)
    return give_up(job,
                   "cannot read '" + printable(job.items[job.next].file.name) + "': " + errno_text(errno));
  if (got == 0) return close_copy(job);
  if (const int code = write_all(job.to.get(), {buffer_.data(), static_cast<std::size_t>(got)}); code != 0)
    return give_up(job, "cannot write to the spool '" + job.folder + "': " + errno_text(code));
  job.copied += got;
  // A file that grows without end must not fill the disk.
  if (job.copied > job.items[job.next].file.bytes) close_copy(job);
}

void ArtifactCopier::close_copy(Job& job) {
  const Choice::Item& item = job.items[job.next];
  struct stat info {};
  const bool same = ::fstat(job.from.get(), &info) == 0 && stamp_from(info) == item.source.stamp &&
                    job.copied == item.file.bytes;
  if (same) {
    job.done.push_back(item.file);
  } else {
    job.left_out.push_back(printable(item.file.name) + ": it was changed while it was copied");
  }
  job.from.reset();
  job.to.reset();
  ++job.next;
}

void ArtifactCopier::give_up(Job& job, const std::string& why) {
  job.from.reset();
  job.to.reset();
  std::error_code ignored;
  std::filesystem::remove_all(job.folder, ignored);
  job.items.clear();
  job.next = 0;
  job.done.clear();
  job.left_out = {not_collected(printable(why))};
  report(job);
}

void ArtifactCopier::report(Job& job) {
  on_input_(FilesCollected{job.ref, std::move(job.done), std::move(job.left_out)});
}

}  // namespace sweep::agent
