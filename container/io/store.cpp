#include "container/io/store.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "container/core/squashfs.hpp"
#include "util/digest.hpp"
#include "util/fields.hpp"
#include "util/json.hpp"
#include "util/os/clock.hpp"
#include "util/os/files.hpp"
#include "util/text.hpp"

namespace sweep::container {

namespace {

constexpr std::size_t kMaxMeta = 64 * 1024;
constexpr std::int64_t kMaxTables = std::int64_t{1} << 30;
// A folder on another machine's disk does not tell what others do there; then it is looked at again.
constexpr Millis kLookAgain{1'000};

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
  return fail("not enough room in '" + folder + "': it has " + std::to_string(free / kMb) + " MB free, and " +
              std::to_string(wanted / kMb) + " MB are wanted; sweepctl images prune makes room");
}

Expected<void> sync_it(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return fail("cannot read '" + path + "': " + errno_text(errno));
  if (S_ISDIR(info.st_mode)) return sync_file_system(path);
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.open() || ::fsync(fd.get()) != 0)
    return fail("cannot write '" + path + "' to disk: " + errno_text(errno));
  return {};
}

}  // namespace

std::string Store::ours(const std::string& name, const std::string& what) const {
  return folder_ + "/." + name + "." + what;
}

// ---- made once

bool Store::is_there(const Making& making) {
  const std::string path = path_of(making.name);
  if (::access(path.c_str(), F_OK) != 0) return false;
  if (making.check(path)) return true;
  // Under another name first: from there nobody takes it for whole.
  const std::string bad = ours(making.name, "part." + token_text(token_of(::getpid())));
  if (::rename(path.c_str(), bad.c_str()) == 0) std::ignore = remove_all(bad);
  return false;
}

Expected<std::string> Store::ensure(const Making& making) {
  if (is_there(making)) return path_of(making.name);
  if (const auto made = make_directories(folder_); !made) return tl::unexpected(made.error());
  for (;;) {
    SWEEP_ASSIGN(auto path, try_to_make(making));
    if (path) return std::move(*path);
  }
}

/// Nothing: another one was at it, and is not any more.
Expected<std::optional<std::string>> Store::try_to_make(const Making& making) {
  const std::string claim_path = ours(making.name, "claim");
  SWEEP_ASSIGN(auto claim, Claim::take(claim_path));
  if (claim) return make_as(making, *claim);
  Rival rival(claim_path);
  const auto dead = wait_for(rival, making);
  if (is_there(making)) return std::optional(path_of(making.name));
  if (!dead) return std::optional<std::string>();
  SWEEP_ASSIGN(auto taken, Claim::take(claim_path, dead));
  if (!taken) return std::optional<std::string>();
  remove_parts(making.name, dead->token);
  return make_as(making, *taken);
}

Expected<std::optional<std::string>> Store::make_as(const Making& making, const Claim& claim) {
  if (is_there(making)) return std::optional(path_of(making.name));
  if (const auto made = make_it(making, claim); !made) return tl::unexpected(made.error());
  return std::optional(path_of(making.name));
}

Expected<void> Store::make_it(const Making& making, const Claim& claim) {
  remove_parts(making.name, std::nullopt);
  if (const auto room = check_room(folder_, making.room_bytes); !room) return room;
  const std::string part = ours(making.name, "part." + token_text(token_of(::getpid())));
  auto made = making.make(part);
  if (made) tell_({"checking", size_of(part), size_of(part)});
  if (made) made = sync_it(part);
  if (made) made = making.check(part);
  if (made && !claim.is_still_ours() && is_there(making))
    made = fail("");  // somebody took this process for dead
  const std::string path = path_of(making.name);
  const bool there = made && ::rename(part.c_str(), path.c_str()) == 0;
  const int code = errno;
  if (!there) std::ignore = remove_all(part);
  std::ignore = remove_all(part + std::string(kHelpers));
  if (there) return sync_file_system(folder_);
  if (is_there(making)) return {};
  return made ? fail("cannot rename '" + part + "' to '" + path + "': " + errno_text(code)) : made;
}

/// Until what is claimed is there, or the claim is gone, or its holder is dead: then it is given.
std::optional<ClaimHolder> Store::wait_for(Rival& rival, const Making& making) {
  const Fd events(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  ::inotify_add_watch(events.get(), folder_.c_str(), IN_MOVED_TO | IN_DELETE | IN_MOVED_FROM);
  const std::string path = path_of(making.name);
  for (;;) {
    const auto held = rival.look(now());
    if (!held || ::access(path.c_str(), F_OK) == 0) return std::nullopt;
    if (rival.dead(now())) return held;
    tell_({"waiting", size_of(ours(making.name, "part." + token_text(held->token))), 0});
    pollfd fds[2] = {{events.get(), POLLIN, 0}, {rival.process_end(), POLLIN, 0}};
    ::poll(fds, 2, static_cast<int>(kLookAgain.count()));
    char ignored[4096];
    while (::read(events.get(), ignored, sizeof ignored) > 0) {
    }
  }
}

/// Of one process, or of all that are known to be dead.
void Store::remove_parts(const std::string& name, const std::optional<Token>& of) {
  const std::string prefix = "." + name + ".part.";
  for (const std::string& file : names_in(folder_)) {
    if (!file.starts_with(prefix)) continue;
    const auto token = token_in(without_ending(file.substr(prefix.size())));
    if (!token || (of ? *token == *of : life_of(*token) == Life::Dead))
      std::ignore = remove_all(folder_ + "/" + file);
  }
}

void remove_parts_of(const std::string& folder, const Token& token) {
  for (const std::string& name : names_in(folder)) {
    const std::string path = folder + "/" + name, file = without_ending(name);
    if (!file.starts_with('.')) continue;
    const bool claim = file.find(".claim.") != std::string::npos;
    const bool part = file.ends_with(".part." + token_text(token));
    if (part || (claim && read_file(path, kMaxMeta).value_or("") == token_text(token)))
      std::ignore = remove_all(path);
  }
}

std::string without_ending(const std::string& text) {
  return text.ends_with(kHelpers) ? text.substr(0, text.size() - kHelpers.size()) : text;
}

// ---- what is known of it

std::optional<Meta> Store::meta(const std::string& name) const {
  const auto text = read_file(ours(name, "meta"), kMaxMeta);
  if (!text) return std::nullopt;
  const auto body = parse_json(*text);
  Fields in(body, "meta");
  Meta meta{in.text("image", kMaxMeta), in.text("digest", kMaxMeta), in.integer("bytes", 0, INT64_MAX)};
  return in.error() ? std::nullopt : std::optional(meta);
}

void Store::set_meta(const std::string& name, const Meta& meta) const {
  const nlohmann::json body{{"image", printable(meta.image)}, {"digest", meta.digest}, {"bytes", meta.bytes}};
  std::ignore = write_file_atomic(ours(name, "meta"), body.dump() + "\n", 0644, Sync::No);
}

void Store::mark_used(const std::string& name, pid_t user) const {
  forget_dead_users(name);
  ::utimensat(AT_FDCWD, ours(name, "meta").c_str(), nullptr, 0);
  const std::string mark = ours(name, "user." + token_text(token_of(user)));
  const Fd made(::open(mark.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
  if (made.open()) ::futimens(made.get(), nullptr);
}

/// Marks of processes that have ended. Those of other machines are for them to forget.
void Store::forget_dead_users(const std::string& name) const {
  const std::string prefix = "." + name + ".user.";
  for (const std::string& file : names_in(folder_)) {
    const auto token = file.starts_with(prefix) ? token_in(file.substr(prefix.size())) : std::nullopt;
    if (token && life_of(*token) == Life::Dead) ::unlink((folder_ + "/" + file).c_str());
  }
}

// ---- squash files

Expected<void> check_squash(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.open()) return fail("cannot read '" + path + "': " + errno_text(errno));
  struct stat info {};
  ::fstat(fd.get(), &info);
  if (!S_ISREG(info.st_mode)) return fail("'" + path + "' is no file");
  char head[kSuperblockBytes];
  const ssize_t got = ::pread(fd.get(), head, sizeof head, 0);
  if (got < 0) return fail("cannot read '" + path + "': " + errno_text(errno));
  const auto block =
      read_superblock({head, static_cast<std::size_t>(got)}, static_cast<std::uint64_t>(info.st_size));
  if (!block) return fail("'" + path + "' is not usable: " + block.error().message);
  return {};
}

Expected<std::string> squash_digest(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.open()) return fail("cannot read '" + path + "': " + errno_text(errno));
  struct stat info {};
  ::fstat(fd.get(), &info);
  std::string piece(1 << 20, '\0');
  const ssize_t got = ::pread(fd.get(), piece.data(), kSuperblockBytes, 0);
  const std::string head = piece.substr(0, got > 0 ? static_cast<std::size_t>(got) : 0);
  SWEEP_ASSIGN(const auto block, read_superblock(head, static_cast<std::uint64_t>(info.st_size)));
  Sha256 digest;
  digest.add(head);
  const auto end = static_cast<std::int64_t>(block.bytes_used);
  auto at = std::max(static_cast<std::int64_t>(block.tables_begin), end - kMaxTables);
  while (at < end) {
    const auto wanted = std::min<std::int64_t>(end - at, static_cast<std::int64_t>(piece.size()));
    const ssize_t now_got = ::pread(fd.get(), piece.data(), static_cast<std::size_t>(wanted), at);
    if (now_got <= 0) return fail("cannot read '" + path + "': " + errno_text(errno));
    digest.add(std::string_view(piece).substr(0, static_cast<std::size_t>(now_got)));
    at += now_got;
  }
  return "squashfs-tables:sha256:" + digest.hex();
}

}  // namespace sweep::container
