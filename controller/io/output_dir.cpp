#include "controller/io/output_dir.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <tuple>

#include "controller/io/control_file.hpp"
#include "controller/io/folder_owner.hpp"
#include "controller/journal/journal.hpp"
#include "proto/base/point.hpp"
#include "util/os/beneath.hpp"
#include "util/os/clock.hpp"
#include "util/os/files.hpp"
#include "util/text.hpp"

namespace sweep {

namespace {

namespace fs = std::filesystem;

bool exists(const std::string& path) {
  std::error_code code;
  return fs::exists(path, code) && !code;
}

/// Returns why it is not known whether a path exists; "" if that is known.
std::string unknown_because(const std::string& path) {
  std::error_code code;
  static_cast<void>(fs::exists(path, code));
  return code ? errno_text(code.value()) : "";
}

/// Returns why a new sweep cannot use a directory that has a journal.
std::string held_message(const std::string& directory) {
  const auto condition = journal::Journal::condition(journal_path(directory));
  const bool unreadable =
      condition == journal::Journal::Condition::Empty || condition == journal::Journal::Condition::Damaged;
  if (unreadable && has_files_to_salvage(directory))
    return "cannot use '" + directory +
           "': it holds the results of another sweep, whose sweep.db is empty or damaged; choose another "
           "--sweep-output, or add --sweep-resume to recover that sweep (sweepctl run: --output, --resume)";
  const auto journal = journal::Journal::open_to_read(journal_path(directory));
  if (journal) {
    return "cannot use '" + directory +
           "': it holds the results of another sweep; choose another --sweep-output, or add --sweep-resume "
           "to continue that sweep (sweepctl run: --output, --resume)";
  }
  const auto control = read_control_file(directory);
  if (control && *control) {
    return "cannot use '" + directory + "': another sweep is running there (" + controller_text(**control) +
           "); choose another --sweep-output";
  }
  return "cannot use '" + directory + "': it belongs to another sweep (" + journal.error().message +
         "); choose another --sweep-output";
}

constexpr const char* kOtherDirectory = "; choose another --sweep-output";
constexpr const char* kShorterDirectory = "; choose a shorter --sweep-output";
constexpr const char* kSameDirectory =
    "; a resume writes into the sweep's own directory: make it writable, or resume as its owner";

/// Fails unless this process may write to `directory` or, if that does not exist, to its nearest existing
/// parent.
Expected<void> check_writable(const std::string& directory, const char* remedy = kOtherDirectory) {
  fs::path at = fs::absolute(directory);
  while (!exists(at.string()) && at.has_parent_path() && at != at.parent_path())
    at = at.parent_path();
  std::error_code code;
  if (!fs::is_directory(at, code))
    return fail("cannot write to '" + directory + "': '" + at.string() + "' is not a directory" + remedy);
  if (::access(at.c_str(), W_OK | X_OK) != 0) {
    return fail("cannot write to '" + directory + "': " + errno_text(errno) + remedy);
  }
  return {};
}

/// Fails if the path of the journal in `directory` would be too long for SQLite, or one of its parts for the
/// file system.
Expected<void> check_lengths(const std::string& directory) {
  constexpr std::size_t kLongestPart = 255;
  for (const fs::path& part : fs::path(directory)) {
    if (part.native().size() > kLongestPart)
      return fail("cannot use '" + directory + "': a folder's name has " +
                  std::to_string(part.native().size()) + " bytes, and file systems permit " +
                  std::to_string(kLongestPart) + kShorterDirectory);
  }
  std::error_code code;
  const fs::path real = fs::weakly_canonical(absolute_path(directory), code);
  const std::size_t length = code ? absolute_path(directory).size() : real.native().size();
  if (length <= journal::kLongestFolder) return {};
  return fail("cannot use '" + directory + "' for a journal: the path has " + std::to_string(length) +
              " bytes, and SQLite permits " + std::to_string(journal::kLongestFolder) + kShorterDirectory);
}

/// Fails if the parts of an existing output directory are no folders, or not writable.
Expected<void> check_parts(const std::string& directory, const char* remedy) {
  for (const char* part : {"raw", "logs"}) {
    if (const std::string path = directory + "/" + part; exists(path))
      SWEEP_TRY(check_writable(path, remedy));
  }
  return {};
}

/// Creates results_<name>_<time>, with _2, _3, … appended if sweeps begin within the same second.
Expected<std::string> make_default(const std::string& name, Instant now) {
  const std::string base = "results_" + file_safe(name) + "_" + local_stamp(now);
  SWEEP_TRY(check_lengths(base));
  SWEEP_TRY(check_writable(base));
  constexpr int kMost = 1000;
  for (int n = 1; n < kMost; ++n) {
    const std::string path = n == 1 ? base : base + "_" + std::to_string(n);
    if (::mkdir(path.c_str(), 0777) == 0) return path;
    if (errno != EEXIST) return fail("cannot create the directory '" + path + "': " + errno_text(errno));
  }
  return fail("cannot create the directory '" + base + "': too many of that name exist");
}

void remove_empty_journal(const std::string& directory) {
  for (const char* suffix : {"", "-wal", "-shm", "-journal"})
    std::ignore = remove_beneath(directory, "sweep.db" + std::string(suffix));
}

}  // namespace

bool never_began(const std::string& directory) {
  return journal::Journal::condition(journal_path(directory)) == journal::Journal::Condition::Empty &&
         names_beneath(directory, "raw").empty();
}

bool has_files_to_salvage(const std::string& directory) {
  return exists(directory + "/sweep_configs.json") && !names_beneath(directory, "raw").empty();
}

std::string controller_text(const ControlFile& control) {
  return "controller on " + printable(control.host) + ", pid " + std::to_string(control.pid);
}

std::string absolute_path(const std::string& path) {
  std::error_code code;
  const fs::path whole = fs::absolute(path, code);
  if (code) return path;
  std::string out = whole.lexically_normal().string();
  while (out.size() > 1 && out.back() == '/')
    out.pop_back();
  return out;
}

std::string journal_path(const std::string& directory) {
  return directory + "/sweep.db";
}

bool holds_sweep(const std::string& directory) {
  if (directory.empty() || never_began(directory)) return false;
  return exists(journal_path(directory)) || has_files_to_salvage(directory);
}

Expected<void> check_output_dir(const std::string& wanted, const std::string& name) {
  if (wanted.empty()) {
    const std::string base = "results_" + file_safe(name) + "_" + local_stamp(Instant{});
    SWEEP_TRY(check_lengths(base));
    return check_writable(base);
  }
  SWEEP_TRY(check_lengths(wanted));
  if (exists(journal_path(wanted)) && !never_began(wanted)) return fail(held_message(wanted));
  SWEEP_TRY(check_writable(wanted));
  return check_parts(wanted, kOtherDirectory);
}

Expected<void> check_folder_above(const std::string& folder) {
  return check_writable(folder.empty() ? "." : folder);
}

Expected<std::string> find_resumable_dir(const std::string& wanted) {
  if (wanted.empty())
    return fail(
        "cannot resume: no output directory given; add --sweep-output=DIR (sweepctl run: --output DIR)");
  if (const std::string why = unknown_because(journal_path(wanted)); !why.empty())
    return fail("cannot resume the sweep in '" + wanted + "': " + why + kSameDirectory);
  if (never_began(wanted)) {
    return fail("cannot resume the sweep in '" + wanted +
                "': it never began: its sweep.db is empty and there are no results; start it without "
                "--sweep-resume (sweepctl run: without --resume)");
  }
  if (!holds_sweep(wanted)) {
    return fail(
        "there is no sweep to resume in '" + wanted +
        "': " + (exists(wanted) ? "it has no sweep.db" : "the directory does not exist") +
        "; correct the path, or use --sweep-resume=auto, which starts a sweep if there is none (sweepctl "
        "run: --resume=auto)");
  }
  SWEEP_TRY(check_not_root_in(wanted));
  SWEEP_TRY(check_writable(wanted, kSameDirectory));
  SWEEP_TRY(check_parts(wanted, kSameDirectory));
  return absolute_path(wanted);
}

Expected<std::string> claim_output_dir(const std::string& wanted, const std::string& name, Instant now) {
  std::string directory = wanted;
  if (wanted.empty()) {
    SWEEP_ASSIGN(directory, make_default(name, now));
  } else {
    SWEEP_TRY(check_output_dir(wanted, name));
    if (never_began(wanted)) remove_empty_journal(wanted);
  }
  SWEEP_TRY(make_directories(directory));
  for (const char* part : {"raw", "logs"})
    SWEEP_TRY(make_folders_beneath(directory, part));
  return absolute_path(directory);
}

// O_PATH, because only the link count is needed and closing an ordinary descriptor would drop SQLite's lock.
DirectoryWatch::DirectoryWatch(const std::string& directory)
    : directory_(directory), journal_(::open(journal_path(directory).c_str(), O_PATH | O_CLOEXEC)) {}

DirectoryWatch::Place DirectoryWatch::place() const {
  struct stat own {};
  struct stat at_path {};
  const bool own_known = ::fstat(journal_.get(), &own) == 0;
  if (!own_known && errno != ESTALE) return Place::There;
  const bool path_exists = ::stat(journal_path(directory_).c_str(), &at_path) == 0;
  if (own_known && path_exists && own.st_dev == at_path.st_dev && own.st_ino == at_path.st_ino)
    return Place::There;
  // Any other error of the file system is not evidence that the file is gone.
  if (!path_exists && errno != ENOENT && errno != ENOTDIR) return Place::There;
  if (!own_known || own.st_nlink == 0) return Place::Deleted;
  // NFS does not remove an open file: it renames it to .nfs*.
  std::error_code code;
  const fs::path current_path = fs::read_symlink("/proc/self/fd/" + std::to_string(journal_.get()), code);
  return current_path.filename().string().starts_with(".nfs") ? Place::Deleted : Place::Elsewhere;
}

std::string DirectoryWatch::deleted_text() const {
  if (!exists(directory_)) return "the output directory '" + directory_ + "'";
  return "the journal '" + journal_path(directory_) + "'";
}

}  // namespace sweep
