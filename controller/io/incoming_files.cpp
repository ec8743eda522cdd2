#include "controller/io/incoming_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <set>

#include "util/os/beneath.hpp"

namespace sweep {

namespace {

constexpr std::string_view kRaw = "raw", kLogs = "logs";
constexpr unsigned kListMode = 0644;

std::string folder_of(const core::AttemptRef& ref) {
  return std::string(kIncoming) + "/" + ref.point + "." + std::to_string(ref.attempt);
}

std::string path_of(const core::AttemptRef& ref, const Artifact& file) {
  return folder_of(ref) + "/" + std::string(is_log(file.name) ? kLogs : kRaw) + "/" + file.name;
}

/// The names in folders below a directory. Each folder is read once.
class Listing {
 public:
  explicit Listing(const std::string& directory) : directory_(directory) {}
  bool has(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    const auto [folder, first] = folders_.try_emplace(path.substr(0, slash));
    if (first) {
      for (std::string& name : names_beneath(directory_, folder->first))
        folder->second.insert(std::move(name));
    }
    return folder->second.contains(path.substr(slash + 1));
  }

 private:
  const std::string& directory_;
  std::map<std::string, std::set<std::string>> folders_;
};

/// Returns the size of a file; -1 if it does not exist.
Expected<std::int64_t> size_of(const std::string& directory, const std::string& path, Listing& listing) {
  if (!listing.has(path)) return -1;
  SWEEP_ASSIGN(const auto fd, open_beneath(directory, path, O_RDONLY));
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return fail("cannot read '" + path + "': " + errno_text(errno));
  return static_cast<std::int64_t>(info.st_size);
}

Expected<void> create_empty(const std::string& directory, const std::string& path) {
  SWEEP_TRY(open_beneath(directory, path, O_WRONLY | O_CREAT));
  return {};
}

/// Returns the list as text, one file per line.
std::string list_text(const std::vector<Artifact>& files) {
  std::string out;
  for (const Artifact& file : files)
    out += std::to_string(file.bytes) + " " + file.name + "\n";
  return out;
}

void remove_folders(const std::string& directory, const std::string& name) {
  for (const std::string_view part : {kRaw, kLogs})
    std::ignore = remove_tree_beneath(directory, std::string(part) + "/" + name);
}

}  // namespace

std::string IncomingFiles::name_of(const core::AttemptRef& ref) const {
  return result_filename(plan_, core::find_point(state_, ref.point), core::find_attempt(state_, ref)->node);
}

Expected<core::FileStore::Place> IncomingFiles::begin(const core::AttemptRef& ref,
                                                      const std::vector<Artifact>& files) {
  // Only what was begun with the same list is continued: a file that is not wanted any more must not stay.
  const std::string list = folder_of(ref) + "/list", text = list_text(files);
  const auto begun = open_beneath(directory_, list, O_RDONLY);
  std::string before(text.size() + 1, '\0');
  const ssize_t got = begun ? ::read(begun->get(), before.data(), before.size()) : -1;
  if (got == static_cast<ssize_t>(text.size()) && before.starts_with(text)) {
    if (auto place = present(ref, files)) return place;
  }
  SWEEP_TRY(remove_tree_beneath(directory_, folder_of(ref)));
  SWEEP_TRY(make_folders_beneath(directory_, folder_of(ref)));
  SWEEP_TRY(write_beneath(directory_, list, text, kListMode, Sync::No));
  return present(ref, files);
}

/// Returns where to continue, and creates folders and empty files. Fails if that is not possible.
Expected<core::FileStore::Place> IncomingFiles::present(const core::AttemptRef& ref,
                                                        const std::vector<Artifact>& files) {
  for (const std::string_view part : {kRaw, kLogs})
    SWEEP_TRY(make_folders_beneath(directory_, folder_of(ref) + "/" + std::string(part)));
  Place place{files.size(), 0};
  Listing listing(directory_);
  for (std::size_t i = 0; i < files.size(); ++i) {
    const std::string path = path_of(ref, files[i]);
    SWEEP_TRY(make_folders_beneath(directory_, path.substr(0, path.rfind('/'))));
    SWEEP_ASSIGN(const auto size, size_of(directory_, path, listing));
    if (size < 0 && files[i].bytes == 0) SWEEP_TRY(create_empty(directory_, path));
    const bool too_much = size > files[i].bytes || (size > 0 && place.file < i);
    if (too_much) return fail("'" + path + "' is of other files");
    if (size < files[i].bytes && files[i].bytes > 0 && place.file == files.size())
      place = {i, std::max<std::int64_t>(size, 0)};
  }
  return place;
}

Expected<void> IncomingFiles::write(const core::AttemptRef& ref, const Artifact& file, std::int64_t offset,
                                    std::string_view bytes, bool last) {
  const std::string path = path_of(ref, file);
  SWEEP_ASSIGN(const auto fd, open_beneath(directory_, path, O_WRONLY | O_CREAT));
  const auto failed = [&](int code) {
    return fail("cannot write '" + directory_ + "/" + path + "': " + errno_text(code));
  };
  if (::lseek(fd.get(), 0, SEEK_END) != offset) return fail("'" + path + "' was changed while it arrived");
  if (const int code = write_all(fd.get(), bytes); code != 0) return failed(code);
  if (last && ::fsync(fd.get()) != 0) return failed(errno);
  return {};
}

Expected<void> IncomingFiles::install(const core::AttemptRef& ref) {
  const std::string name = name_of(ref);
  remove_folders(directory_, name);
  for (const std::string_view part : {kRaw, kLogs}) {
    const std::string from = folder_of(ref) + "/" + std::string(part);
    if (names_beneath(directory_, from).empty()) continue;
    if (auto done = rename_beneath(directory_, from, std::string(part) + "/" + name); !done) {
      remove_folders(directory_, name);
      return done;
    }
  }
  return {};
}

void IncomingFiles::discard(const core::AttemptRef& ref) {
  std::ignore = remove_tree_beneath(directory_, folder_of(ref));
}

void IncomingFiles::clear(const core::AttemptRef& ref) {
  remove_folders(directory_, name_of(ref));
}

void remove_unaccepted_files(const std::string& directory, const Plan& plan, const core::State& state) {
  std::set<std::string> present;
  for (const std::string_view part : {kRaw, kLogs}) {
    for (std::string& name : names_beneath(directory, std::string(part)))
      present.insert(std::move(name));
  }
  std::set<std::string> kept, others;
  for (std::size_t i = 0; i < state.points.size(); ++i) {
    for (const core::Attempt& attempt : state.points[i].attempts) {
      if (attempt.node.empty()) continue;
      const bool has_files =
          attempt.accepted && attempt.account.collected && attempt.account.collected->files > 0;
      (has_files ? kept : others).insert(result_filename(plan, static_cast<int>(i), attempt.node));
    }
  }
  for (const std::string& name : others) {
    if (present.contains(name) && !kept.contains(name)) remove_folders(directory, name);
  }
}

}  // namespace sweep
