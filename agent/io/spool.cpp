#include "agent/io/spool.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <utility>

#include "proto/wire/codec.hpp"
#include "util/digest.hpp"
#include "util/fields.hpp"
#include "util/json.hpp"
#include "util/os/files.hpp"
#include "util/os/private_folder.hpp"
#include "util/text.hpp"

namespace sweep::agent {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMagic = "slurm-sweep spooled result 1\n";
constexpr std::size_t kDigest = 64;
constexpr std::size_t kNameDigits = 16;
constexpr std::size_t kMaxText = 4096;
constexpr std::size_t kMaxFile = wire::kMaxBulkBytes + (std::size_t{2} << 20);  // with the list of its files
constexpr std::int64_t kMaxInt = std::numeric_limits<std::int64_t>::max() / 2;
constexpr std::int64_t kSpoolNsPerSecond = 1'000'000'000;
constexpr std::string_view kEnding = ".result", kLock = ".lock", kDamaged = ".damaged", kFiles = ".files";
constexpr std::string_view kTemporary = ".result.tmp-";  // the name of write_file_atomic's temporary files

std::string name_digest(const std::string& name) {
  return sha256_hex(name).substr(0, kNameDigits);
}

std::string file_name(const std::string& agent, const wire::AttemptRef& ref) {
  return name_digest(agent) + "." + name_digest(ref.point) + "." + std::to_string(ref.attempt) +
         std::string(kEnding);
}

/// Creates a sweep's folder in the user's own. It may have been removed in the meantime together with that.
Expected<void> make_sweep_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0 || errno == ENOENT) return {};
  if (errno != EEXIST) return fail("cannot create the spool '" + path + "': " + errno_text(errno));
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return {};
  if (!S_ISDIR(info.st_mode)) return fail("cannot use the spool '" + path + "': not a directory; remove it");
  return {};
}

/// Returns true if `path` still names the descriptor's file: an agent that held the lock may have removed it.
bool is_named(int fd, const std::string& path) {
  struct stat held {
  }, named{};
  return ::fstat(fd, &held) == 0 && ::lstat(path.c_str(), &named) == 0 && held.st_dev == named.st_dev &&
         held.st_ino == named.st_ino;
}

/// Takes the lock of an agent. Returns 0, EWOULDBLOCK if another process holds it, or the errno.
int take_lock(const std::string& path, Fd& out) {
  for (;;) {
    Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
    if (!fd.open() || ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return errno;
    if (!is_named(fd.get(), path)) continue;
    out = std::move(fd);
    return 0;
  }
}

std::string owner_of(const std::string& name) {
  return name.substr(0, kNameDigits);
}

/// Returns true for results, damaged results, and the temporary file of an interrupted write.
bool is_of_a_result(const std::string& name) {
  return name.size() > kNameDigits && name[kNameDigits] == '.' && name.find(kEnding) != std::string::npos;
}

/// Removes the files of an attempt, whose outcome is in the file `path`.
void remove_files_of(const std::string& path) {
  std::error_code ignored;
  fs::remove_all(path + std::string(kFiles), ignored);
}

std::vector<Artifact> read_spooled_files(Fields& in) {
  std::vector<Artifact> out;
  if (!in.has("files")) return out;
  const nlohmann::json& list = in.child("files");
  bool good = list.is_array() && list.size() <= kMostArtifacts;
  for (auto file = list.begin(); good && file != list.end(); ++file) {
    good = file->is_array() && file->size() == 3 && (*file)[0].is_string() &&
           (*file)[1].is_number_integer() && (*file)[2].is_boolean();
    if (good)
      out.push_back({(*file)[0].get<std::string>(), (*file)[1].get<std::int64_t>(), (*file)[2].get<bool>()});
  }
  if (!good || !artifacts_problem(out).empty()) in.complain("its list of files is damaged");
  return out;
}

struct Found {
  std::string folder, name;
  std::uint64_t bytes = 0;
  std::int64_t changed_ns = 0;
  std::string path() const { return folder + "/" + name; }
};

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code code;
  for (fs::directory_iterator at(folder, code), end; !code && at != end; at.increment(code))
    names.push_back(at->path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

/// Returns the files that take space in the folders of `base`, the oldest first.
std::vector<Found> files_below(const std::string& base) {
  std::vector<Found> found;
  for (const std::string& sweep : names_in(base)) {
    std::string folder = base;
    folder.append("/").append(sweep);
    for (const std::string& name : names_in(folder)) {
      Found file{folder, name};
      struct stat info {};
      if (!is_of_a_result(name) || ::lstat(file.path().c_str(), &info) != 0 || !S_ISREG(info.st_mode))
        continue;
      file.bytes = static_cast<std::uint64_t>(info.st_size);
      file.changed_ns = info.st_mtim.tv_sec * kSpoolNsPerSecond + info.st_mtim.tv_nsec;
      found.push_back(std::move(file));
    }
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const Found& a, const Found& b) { return a.changed_ns < b.changed_ns; });
  return found;
}

bool has_files(const std::string& folder, const std::string& owner) {
  const auto names = names_in(folder);
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    return is_of_a_result(name) && owner_of(name) == owner;
  });
}

}  // namespace

std::string spool_text(const wire::Finished& finished, const std::string& agent, std::string_view bytes) {
  nlohmann::json head = {{"agent", agent},
                         {"point", finished.ref.point},
                         {"attempt", finished.ref.attempt},
                         {"outcome", outcome_to_json(finished.outcome)},
                         {"wall_ms", finished.wall_ms},
                         {"bytes", bytes.size()}};
  if (!finished.files.empty()) head["files"] = nlohmann::json::array();
  for (const Artifact& file : finished.files)
    head["files"].emplace_back(nlohmann::json::array_t{file.name, file.bytes, file.own});
  if (finished.account.collected) head["left_out"] = finished.account.collected->left_out;
  std::string rest = head.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) + "\n";
  rest += bytes;
  return std::string(kMagic) + sha256_hex(rest) + "\n" + rest;
}

Expected<Spool::LeftResult> read_spool_text(std::string_view text) {
  if (!text.starts_with(kMagic)) return fail("it is not a spooled result of this version");
  text.remove_prefix(kMagic.size());
  if (text.size() <= kDigest || text[kDigest] != '\n') return fail("it is cut short");
  const std::string_view digest = text.substr(0, kDigest);
  text.remove_prefix(kDigest + 1);
  if (sha256_hex(text) != digest) return fail("it is damaged");
  const std::size_t line = text.find('\n');
  if (line == std::string_view::npos) return fail("it is cut short");
  const auto head = nlohmann::json::parse(text.substr(0, line), nullptr, false);
  Fields in(head, "its first line");
  Spool::LeftResult left;
  left.finished.of = in.text("agent", kMaxText);
  left.finished.ref.point = in.text("point", kMaxText);
  left.finished.ref.attempt = static_cast<int>(in.integer("attempt", 1, 1'000'000));
  left.finished.wall_ms = in.integer("wall_ms", 0, kMaxInt);
  const auto outcome = outcome_from_json(in.child("outcome"));
  const auto bytes = static_cast<std::size_t>(in.integer("bytes", 0, static_cast<std::int64_t>(kMaxFile)));
  left.finished.files = read_spooled_files(in);
  if (in.has("left_out"))
    left.finished.account.collected = Collected{0, 0, in.texts("left_out", kMostArtifacts, kMaxFile)};
  if (in.error()) return fail(*in.error());
  if (!outcome) return tl::unexpected(outcome.error());
  if (text.size() - line - 1 != bytes) return fail("it is cut short");
  left.finished.outcome = *outcome;
  left.bytes = text.substr(line + 1);
  return left;
}

Spool::~Spool() {
  if (folder_.empty()) return;
  for (const auto& [owner, lock] : locks_) {
    if (!has_files(folder_, owner)) ::unlink((folder_ + "/" + owner + std::string(kLock)).c_str());
  }
  ::rmdir(folder_.c_str());  // fails unless it is empty
  ::rmdir(base_.c_str());
}

Expected<void> Spool::open(const std::string& directory, const std::string& sweep, const std::string& agent) {
  const char* const temporary = std::getenv("TMPDIR");
  std::string root = directory;
  if (root.empty()) root = temporary != nullptr && *temporary == '/' ? temporary : "/tmp";
  SWEEP_TRY(directory.empty() ? Expected<void>() : make_directories(root));
  SWEEP_TRY(enter(root, name_digest(sweep), agent));
  find_left_results();
  return {};
}

Expected<void> Spool::enter(const std::string& root, const std::string& sweep, const std::string& agent) {
  Fd lock;
  std::string base, folder;
  int code = ENOENT;
  // An agent that ends removes empty folders, perhaps while this one is creating its own.
  for (int tries = 0; tries < 10 && code == ENOENT; ++tries) {
    SWEEP_ASSIGN(auto own, private_folder(root, "slurm-sweep-" + std::to_string(::geteuid())));
    if (!own.note.empty()) note_ = own.note;
    base = own.path;
    folder = base + "/" + sweep;
    SWEEP_TRY(make_sweep_folder(folder));
    code = take_lock(folder + "/" + name_digest(agent) + std::string(kLock), lock);
  }
  if (code == EWOULDBLOCK)
    return fail("cannot use the spool '" + folder + "': another running agent has the same name, " +
                printable(agent));
  if (code != 0) return fail("cannot use the spool '" + folder + "': " + errno_text(code));
  base_ = base;
  folder_ = folder;
  agent_ = agent;
  locks_[name_digest(agent)] = std::move(lock);
  return {};
}

// ---- what others left

void Spool::find_left_results() {
  for (const std::string& name : names_in(folder_)) {
    const std::string owner = owner_of(name);
    if (!is_of_a_result(name) && name != owner + std::string(kLock)) continue;
    if (!locks_.contains(owner)) {
      Fd lock;
      if (take_lock(folder_ + "/" + owner + std::string(kLock), lock) != 0) continue;  // that agent is alive
      locks_[owner] = std::move(lock);
    }
    if (name.ends_with(kFiles) && !fs::exists(folder_ + "/" + name.substr(0, name.size() - kFiles.size()))) {
      std::error_code ignored;
      fs::remove_all(folder_ + "/" + name, ignored);
    } else if (name.ends_with(kEnding)) {
      kept_.insert(name);
      unread_.push_back(name);
    } else if (name.find(kTemporary) != std::string::npos) {
      ::unlink((folder_ + "/" + name).c_str());  // its agent died while it wrote the file
    }
  }
}

std::optional<Spool::LeftResult> Spool::adopt(std::vector<std::string>& notes) {
  if (!read_ahead_) read_ahead_ = read_next(notes);
  auto out = std::exchange(read_ahead_, std::nullopt);
  read_ahead_ = read_next(notes);
  return out;
}

std::optional<Spool::LeftResult> Spool::read_next(std::vector<std::string>& notes) {
  while (!unread_.empty()) {
    const std::string name = unread_.front(), path = folder_ + "/" + name;
    unread_.pop_front();
    const auto text = read_file(path, kMaxFile);
    auto left = text ? read_spool_text(*text) : Expected<LeftResult>(tl::unexpected(text.error()));
    if (left && file_name(left->finished.of, left->finished.ref) != name)
      left = fail("the name inside does not match the file name");
    if (left) return std::move(*left);
    kept_.erase(name);
    const bool aside = ::rename(path.c_str(), (path + std::string(kDamaged)).c_str()) == 0;
    notes.push_back("cannot deliver '" + path + "': " + printable(left.error().message) +
                    (aside ? "; renamed to *" + std::string(kDamaged) : std::string()));
  }
  return std::nullopt;
}

// ---- this agent's own

Expected<void> Spool::make_room(std::uint64_t bytes) const {
  std::uint64_t sum = bytes;
  const auto all = files_below(base_);
  for (const Found& found : all)
    sum += found.bytes;
  for (const Found& found : all) {
    if (sum <= most_bytes_) break;
    if (found.folder == folder_) continue;
    const std::string owner = owner_of(found.name),
                      lock_path = found.folder + "/" + owner + std::string(kLock);
    Fd lock;
    if (take_lock(lock_path, lock) != 0) continue;  // the file belongs to an agent that is alive
    if (::unlink(found.path().c_str()) == 0) sum -= found.bytes;
    remove_files_of(found.path());
    if (!has_files(found.folder, owner)) ::unlink(lock_path.c_str());
    ::rmdir(found.folder.c_str());  // fails unless it is empty
  }
  if (sum <= most_bytes_) return {};
  return fail("the spools in '" + base_ + "' have no room for " + std::to_string(bytes) +
              " bytes: the limit for all of them is " + std::to_string(most_bytes_));
}

Expected<void> Spool::keep(const wire::Finished& finished, std::string_view bytes) {
  if (folder_.empty()) return fail("there is no spool");
  const std::string text = spool_text(finished, agent_, bytes);
  SWEEP_TRY(make_room(text.size()));
  const std::string name = file_name(agent_, finished.ref);
  SWEEP_TRY(write_file_atomic(folder_ + "/" + name, text, 0600, Sync::No));
  kept_.insert(name);
  return {};
}

void Spool::drop(const wire::AttemptRef& ref, const std::string& of) {
  const std::string name = file_name(of.empty() ? agent_ : of, ref);
  if (kept_.erase(name) == 0) return;
  remove_files_of(folder_ + "/" + name);
  ::unlink((folder_ + "/" + name).c_str());
}

// ---- files

Expected<std::string> Spool::files_folder(const wire::AttemptRef& ref) const {
  const std::string name = file_name(agent_, ref);
  if (!kept_.contains(name)) return fail("the result could not be kept in the spool");
  return folder_ + "/" + name + std::string(kFiles);
}

Expected<std::string> Spool::read_piece(const wire::AttemptRef& ref, const std::string& of, int file,
                                        std::int64_t offset, std::size_t most) const {
  const std::string name = file_name(of.empty() ? agent_ : of, ref);
  const std::string path = folder_ + "/" + name + std::string(kFiles) + "/" + std::to_string(file);
  const Fd fd(kept_.contains(name) ? ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1);
  std::string bytes(most, '\0');
  const ssize_t got = fd.open() ? ::pread(fd.get(), bytes.data(), bytes.size(), offset) : -1;
  if (got < 0) return fail("cannot read '" + path + "': " + errno_text(errno));
  if (got == 0) return fail("cannot read '" + path + "': it has no byte " + std::to_string(offset));
  bytes.resize(static_cast<std::size_t>(got));
  return bytes;
}

}  // namespace sweep::agent
