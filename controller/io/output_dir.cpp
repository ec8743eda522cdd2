#include "controller/io/output_dir.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "controller/io/control_file.hpp"
#include "controller/journal/journal.hpp"
#include "proto/base/point.hpp"
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

std::string named(const ControlFile& control) {
  return "controller on " + printable(control.host) + ", pid " + std::to_string(control.pid);
}

/// Why a directory with a journal is refused to a new sweep.
std::string held_message(const std::string& directory) {
  const auto journal = journal::Journal::open_to_read(journal_path(directory));
  if (journal) {
    return "'" + directory +
           "' holds the results of another sweep; choose another --sweep-output, or go on with it: "
           "--sweep-resume";
  }
  const auto control = read_control_file(directory);
  if (control && *control) {
    return "'" + directory + "' belongs to another sweep that is running (" + named(**control) +
           "); choose another --sweep-output";
  }
  return "'" + directory + "' belongs to another sweep (" + journal.error().message +
         "); choose another --sweep-output";
}

constexpr const char* kOtherDirectory = "; choose another --sweep-output";
constexpr const char* kSameDirectory =
    "; a resume writes into the sweep's own directory: make it writable, or resume as its owner";

/// The nearest directory upwards that is there must let us write.
Expected<void> check_writable(const std::string& directory, const char* remedy = kOtherDirectory) {
  fs::path at = fs::absolute(directory);
  while (!exists(at.string()) && at.has_parent_path() && at != at.parent_path())
    at = at.parent_path();
  std::error_code code;
  if (!fs::is_directory(at, code))
    return fail("cannot write to '" + directory + "': '" + at.string() + "' is not a directory");
  if (::access(at.c_str(), W_OK | X_OK) != 0) {
    return fail("cannot write to '" + directory + "': " + errno_text(errno) + remedy);
  }
  return {};
}

/// results_<name>_<time>, with a number behind it when two sweeps begin within one second.
Expected<std::string> make_default(const std::string& name, Instant now) {
  const std::string base = "results_" + file_safe(name) + "_" + local_stamp(now);
  if (const auto writable = check_writable(base); !writable) return tl::unexpected(writable.error());
  constexpr int kMost = 1000;
  for (int n = 1; n < kMost; ++n) {
    const std::string path = n == 1 ? base : base + "_" + std::to_string(n);
    if (::mkdir(path.c_str(), 0777) == 0) return path;
    if (errno != EEXIST) return fail("cannot create the directory '" + path + "': " + errno_text(errno));
  }
  return fail("cannot create the directory '" + base + "': too many of that name");
}

}  // namespace

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

Expected<void> check_output_dir(const std::string& wanted) {
  if (wanted.empty()) return check_writable("results");
  if (exists(journal_path(wanted))) return fail(held_message(wanted));
  return check_writable(wanted);
}

Expected<std::string> claimed_output_dir(const std::string& wanted) {
  if (wanted.empty())
    return fail("--resume needs the output directory of the sweep: --output DIR (srun: --sweep-output)");
  if (!exists(journal_path(wanted))) {
    return fail("there is no sweep to resume in '" + wanted + "': it has no sweep.db" +
                (exists(wanted) ? "" : "; the directory is not there"));
  }
  if (const auto journal = journal::Journal::open_to_read(journal_path(wanted)); !journal) {
    const auto control = read_control_file(wanted);
    if (control && *control) {
      return fail("the sweep in '" + wanted + "' is still at work (" + named(**control) +
                  "); wait for its end (sweepctl status " + wanted +
                  " says how far it is) or end it (sweepctl cancel " + wanted + "), then resume");
    }
  }
  if (const auto good = check_writable(wanted, kSameDirectory); !good) return tl::unexpected(good.error());
  return absolute_path(wanted);
}

Expected<std::string> claim_output_dir(const std::string& wanted, const std::string& name, Instant now) {
  std::string directory = wanted;
  if (wanted.empty()) {
    auto made = make_default(name, now);
    if (!made) return made;
    directory = *made;
  } else if (const auto good = check_output_dir(wanted); !good) {
    return tl::unexpected(good.error());
  }
  for (const char* part : {"/raw", "/logs"}) {
    if (const auto made = make_directories(directory + part); !made) return tl::unexpected(made.error());
  }
  return absolute_path(directory);
}

// For its links alone, and by no ordinary descriptor: closing one would drop SQLite's lock.
DirectoryWatch::DirectoryWatch(const std::string& directory)
    : directory_(directory), journal_(::open(journal_path(directory).c_str(), O_PATH | O_CLOEXEC)) {}

DirectoryWatch::Place DirectoryWatch::place() const {
  struct stat own {};
  struct stat there {};
  const bool known = ::fstat(journal_.get(), &own) == 0;
  if (!known && errno != ESTALE) return Place::There;
  const bool other = ::stat(journal_path(directory_).c_str(), &there) == 0;
  if (known && other && own.st_dev == there.st_dev && own.st_ino == there.st_ino) return Place::There;
  // A file system that does not answer says nothing about the file.
  if (!other && errno != ENOENT && errno != ENOTDIR) return Place::There;
  if (!known || own.st_nlink == 0) return Place::Deleted;
  // NFS only gives a file that is open another name when it is removed.
  std::error_code code;
  const fs::path now_is = fs::read_symlink("/proc/self/fd/" + std::to_string(journal_.get()), code);
  return now_is.filename().string().starts_with(".nfs") ? Place::Deleted : Place::Elsewhere;
}

}  // namespace sweep
