#include "container/io/store.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "util/fields.hpp"
#include "util/json.hpp"
#include "util/os/clock.hpp"
#include "util/os/files.hpp"
#include "util/text.hpp"

namespace sweep::container {

namespace {

constexpr std::size_t kMaxInfo = 64 * 1024;
// inotify does not report what other machines do in a directory on NFS, so it is also polled.
constexpr Millis kPoll{1'000};

std::int64_t size_of(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) ? info.st_size : 0;
}

Expected<void> check_room(const std::string& folder, std::int64_t wanted) {
  struct statvfs info {};
  if (::statvfs(folder.c_str(), &info) != 0) return {};
  const auto free = static_cast<std::int64_t>(info.f_bavail) * static_cast<std::int64_t>(info.f_frsize);
  if (free >= wanted) return {};
  constexpr std::int64_t kMb = 1'000'000;
  return fail("not enough space in '" + folder + "': " + std::to_string(free / kMb) + " MB free, " +
              std::to_string(wanted / kMb) + " MB required; free some with 'sweepctl images prune'");
}

Expected<void> sync_entry(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return fail("cannot read '" + path + "': " + errno_text(errno));
  if (S_ISDIR(info.st_mode)) return sync_file_system(path);
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.open() || ::fsync(fd.get()) != 0)
    return fail("cannot write '" + path + "' to disk: " + errno_text(errno));
  return {};
}

}  // namespace

std::string Store::mark_path(const std::string& name, const std::string& what) const {
  return folder_ + "/." + name + "." + what;
}

// ---- made once

bool Store::exists(const WantedEntry& wanted) {
  const std::string path = path_of(wanted.name);
  if (::access(path.c_str(), F_OK) != 0) return false;
  if (wanted.check(path)) return true;
  // Renamed first, so that no process finds it under its name while it is being removed.
  const std::string bad = mark_path(wanted.name, "part." + token_text(token_of(::getpid())));
  if (::rename(path.c_str(), bad.c_str()) == 0) std::ignore = remove_all(bad);
  return false;
}

Expected<std::string> Store::ensure(const WantedEntry& wanted) {
  if (exists(wanted)) return path_of(wanted.name);
  if (const auto made = make_directories(folder_); !made) return tl::unexpected(made.error());
  for (;;) {
    SWEEP_ASSIGN(auto path, try_to_make(wanted));
    if (path) return std::move(*path);
  }
}

/// Returns std::nullopt if another process had the claim and has given it up; the caller tries again.
Expected<std::optional<std::string>> Store::try_to_make(const WantedEntry& wanted) {
  const std::string claim_path = mark_path(wanted.name, "claim");
  SWEEP_ASSIGN(auto claim, Claim::take(claim_path));
  if (claim) return make_with(*claim, wanted);
  ClaimObserver observer(claim_path);
  const auto dead = wait_for(observer, wanted);
  if (exists(wanted)) return std::optional(path_of(wanted.name));
  if (!dead) return std::optional<std::string>();
  SWEEP_ASSIGN(auto taken, Claim::take(claim_path, dead));
  if (!taken) return std::optional<std::string>();
  remove_parts(wanted.name, dead->token);
  return make_with(*taken, wanted);
}

Expected<std::optional<std::string>> Store::make_with(const Claim& claim, const WantedEntry& wanted) {
  if (exists(wanted)) return std::optional(path_of(wanted.name));
  if (const auto made = make_entry(wanted, claim); !made) return tl::unexpected(made.error());
  return std::optional(path_of(wanted.name));
}

Expected<void> Store::make_entry(const WantedEntry& wanted, const Claim& claim) {
  remove_parts(wanted.name, std::nullopt);
  if (const auto room = check_room(folder_, wanted.room_bytes); !room) return room;
  const std::string part = mark_path(wanted.name, "part." + token_text(token_of(::getpid())));
  auto made = wanted.make(part);
  if (made) on_progress_({"checking", size_of(part), size_of(part)});
  if (made) made = sync_entry(part);
  if (made) made = wanted.check(part);
  if (made && !claim.is_still_ours() && exists(wanted))
    made = fail("");  // another process took this one for dead and made the entry
  const std::string path = path_of(wanted.name);
  const bool there = made && ::rename(part.c_str(), path.c_str()) == 0;
  const int code = errno;
  if (!there) std::ignore = remove_all(part);
  std::ignore = remove_all(part + std::string(kHelpers));
  if (there) return sync_file_system(folder_);
  if (exists(wanted)) return {};
  return made ? fail("cannot rename '" + part + "' to '" + path + "': " + errno_text(code)) : made;
}

/// Waits until the entry exists, the claim is released, or its holder is dead, and only then returns the
/// holder.
std::optional<ClaimHolder> Store::wait_for(ClaimObserver& observer, const WantedEntry& wanted) {
  const Fd events(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  ::inotify_add_watch(events.get(), folder_.c_str(), IN_MOVED_TO | IN_DELETE | IN_MOVED_FROM);
  const std::string path = path_of(wanted.name);
  for (;;) {
    const auto holder = observer.update(now());
    if (!holder || ::access(path.c_str(), F_OK) == 0) return std::nullopt;
    if (observer.is_dead(now())) return holder;
    on_progress_({"waiting", size_of(mark_path(wanted.name, "part." + token_text(holder->token))), 0});
    pollfd fds[2] = {{events.get(), POLLIN, 0}, {observer.process_end(), POLLIN, 0}};
    ::poll(fds, 2, static_cast<int>(kPoll.count()));
    char ignored[4096];
    while (::read(events.get(), ignored, sizeof ignored) > 0) {
    }
  }
}

/// Removes incomplete entries of one process, or those of all processes that are known to be dead.
void Store::remove_parts(const std::string& name, const std::optional<ProcessToken>& of) {
  const std::string prefix = "." + name + ".part.";
  for (const std::string& file : names_in(folder_)) {
    if (!file.starts_with(prefix)) continue;
    const auto token = token_in(without_helpers_ending(file.substr(prefix.size())));
    if (!token || (of ? *token == *of : liveness_of(*token) == Liveness::Dead))
      std::ignore = remove_all(folder_ + "/" + file);
  }
}

void remove_parts_of(const std::string& folder, const ProcessToken& token) {
  for (const std::string& name : names_in(folder)) {
    const std::string path = folder + "/" + name, file = without_helpers_ending(name);
    if (!file.starts_with('.')) continue;
    const bool claim = file.find(".claim.") != std::string::npos;
    const bool part = file.ends_with(".part." + token_text(token));
    if (part || (claim && read_file(path, kMaxInfo).value_or("") == token_text(token)))
      std::ignore = remove_all(path);
  }
}

std::string without_helpers_ending(const std::string& text) {
  return text.ends_with(kHelpers) ? text.substr(0, text.size() - kHelpers.size()) : text;
}

// ---- marks

std::optional<EntryInfo> Store::info(const std::string& name) const {
  const auto text = read_file(mark_path(name, "meta"), kMaxInfo);
  if (!text) return std::nullopt;
  const auto body = parse_json(*text);
  Fields in(body, "meta");
  EntryInfo info{in.text("image", kMaxInfo), in.text("digest", kMaxInfo), in.integer("bytes", 0, INT64_MAX)};
  return in.error() ? std::nullopt : std::optional(info);
}

void Store::set_info(const std::string& name, const EntryInfo& info) const {
  const nlohmann::json body{{"image", printable(info.image)}, {"digest", info.digest}, {"bytes", info.bytes}};
  std::ignore = write_file_atomic(mark_path(name, "meta"), body.dump() + "\n", 0644, Sync::No);
}

void Store::mark_used(const std::string& name, pid_t user) const {
  remove_marks_of_dead_users(name);
  ::utimensat(AT_FDCWD, mark_path(name, "meta").c_str(), nullptr, AT_SYMLINK_NOFOLLOW);
  const std::string mark = mark_path(name, "user." + token_text(token_of(user)));
  const Fd made(::open(mark.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644));
  if (made.open()) ::futimens(made.get(), nullptr);
}

/// Removes the marks of processes of this machine that have ended. Other machines remove their own.
void Store::remove_marks_of_dead_users(const std::string& name) const {
  const std::string prefix = "." + name + ".user.";
  for (const std::string& file : names_in(folder_)) {
    const auto token = file.starts_with(prefix) ? token_in(file.substr(prefix.size())) : std::nullopt;
    if (token && liveness_of(*token) == Liveness::Dead) ::unlink((folder_ + "/" + file).c_str());
  }
}

}  // namespace sweep::container
